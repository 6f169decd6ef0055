"""Stage 4: pretrain an encoder on light curves without labels, or import published weights.

IN   <results>/records/pretraining/<survey>/<shard>/*.tfrecord, <results>/splits/audit.csv (has to pass)
     <results>/features/targets.parquet (encoders with the summary objective)
     the file that `weights.<name>` describes: in `mirror`, or downloaded (encoders that name published weights)
OUT  <results>/pretrain/<encoder>/model.weights.h5, config.json    best weights by validation loss, and the architecture
     <results>/pretrain/<encoder>/history.csv, steps.csv      learning curves per epoch and per optimizer step
     <results>/pretrain/<encoder>/tensorboard/                the same curves as events for TensorBoard
     <results>/pretrain/<encoder>/scores.csv                  reconstruction of held-out stars
"""


rule pretrain_encoder:
    """Train an encoder to reconstruct hidden magnitudes; a killed job resumes from its state."""
    input:
        train=lambda wildcards: pretraining_records("train"),
        validation=lambda wildcards: pretraining_records("validation"),
        test=lambda wildcards: pretraining_records("test"),
        audit=ancient("<results>/splits/audit.csv"),  # has to pass; repeating it does not repeat the training
        targets=summary_targets,
    output:
        model="<results>/pretrain/{encoder}/model.weights.h5",
        config="<results>/pretrain/{encoder}/config.json",
        history="<results>/pretrain/{encoder}/history.csv",
        steps="<results>/pretrain/{encoder}/steps.csv",
        tensorboard=directory("<results>/pretrain/{encoder}/tensorboard"),
        scores="<results>/pretrain/{encoder}/scores.csv",
        provenance="<results>/pretrain/{encoder}/provenance.json",
    log:
        "<logs>/pretrain_encoder/{encoder}.log",
    benchmark:
        "<benchmarks>/pretrain_encoder/{encoder}.jsonl"
    wildcard_constraints:
        encoder=any_of(RUN.trained_encoders),
    priority: 10  # most of the run waits for it
    conda:
        "../envs/astromer.yaml"
    threads: RUN.pretraining.threads
    resources:
        mem_mb=scaled_mem_mb(6000),
        runtime=scaled_runtime(1440, per_input_mb=0.5),
        gpu_share=gpu_share(4),
    params:
        encoder=lambda wildcards: RUN.encoders[wildcards.encoder].definition,
        training=lambda wildcards: RUN.training_of(wildcards.encoder).plain(),
        masking=RUN.masking.plain(),
        devices=RUN.devices.plain(),
        window=RUN.window,
        seed=lambda wildcards: RUN.seed_of(wildcards.encoder),
        state=f"results/{RUN.run}/states/pretrain/{{encoder}}",
        simulated=simulated_of,
        code=code_digest("pretrain_encoder"),
    message:
        "Pretraining {wildcards.encoder}; progress is in {log}"
    script:
        "../workflow_scripts/pretrain_encoder.py"


rule import_weights:
    """Verify and convert published weights."""
    input:
        weights=weights_file,
        config=lambda wildcards: (
            weights_file(wildcards).replace("model.weights.h5", "config.json")
            if RUN.weights_of(wildcards.encoder).packaged
            else []
        ),
    output:
        model="<results>/pretrain/{encoder}/model.weights.h5",
        config="<results>/pretrain/{encoder}/config.json",
        provenance="<results>/pretrain/{encoder}/provenance.json",
    log:
        "<logs>/import_weights/{encoder}.log",
    benchmark:
        "<benchmarks>/import_weights/{encoder}.jsonl"
    wildcard_constraints:
        encoder=any_of(RUN.imported_encoders),
    conda:
        "../envs/astromer.yaml"
    threads: 1
    resources:
        mem_mb=scaled_mem_mb(2000),
        runtime=scaled_runtime(20),
        gpu_share=gpu_share(1),
    params:
        source=lambda wildcards: RUN.weights_of(wildcards.encoder).url or "package",
        sha256=lambda wildcards: RUN.weights_of(wildcards.encoder).sha256,
        variant=lambda wildcards: RUN.variant_of(wildcards.encoder),
        devices=RUN.devices.plain(),
        seed=RUN.seed,
        simulated=simulated_of,
        code=code_digest("import_weights"),
    message:
        "Importing {wildcards.encoder} from {input.weights}"
    script:
        "../workflow_scripts/import_weights.py"


rule score_imported:
    """Score imported weights in the same way as a pretrained encoder, for which a run needs surveys for pretraining."""
    input:
        model="<results>/pretrain/{encoder}/model.weights.h5",
        config="<results>/pretrain/{encoder}/config.json",
        test=lambda wildcards: pretraining_records("test"),
    output:
        scores="<results>/pretrain/{encoder}/scores.csv",
        provenance="<results>/pretrain/{encoder}/scores.provenance.json",
    log:
        "<logs>/score_imported/{encoder}.log",
    benchmark:
        "<benchmarks>/score_imported/{encoder}.jsonl"
    wildcard_constraints:
        encoder=any_of(RUN.imported_encoders),
    conda:
        "../envs/astromer.yaml"
    threads: RUN.pretraining.threads
    resources:
        mem_mb=scaled_mem_mb(4000),
        runtime=scaled_runtime(60),
        gpu_share=gpu_share(1),
    params:
        masking=RUN.masking.plain(),
        devices=RUN.devices.plain(),
        batch_size=RUN.pretraining.training.batch_size,
        window=RUN.window,
        seed=RUN.seed,
        simulated=RUN.simulated_behind(surveys=RUN.pretraining.surveys),
        code=code_digest("score_imported"),
    message:
        "Scoring {wildcards.encoder} on held-out stars"
    script:
        "../workflow_scripts/score_imported.py"
