"""Stage 5: adapt the pretrained encoder to a dataset, without labels.

IN   <results>/pretrain/<encoder>/model.weights.h5, <results>/records/<dataset>/fold<fold>/spc<spc>/*.tfrecord
     <results>/features/targets.parquet (encoders with the summary objective)
OUT  <results>/finetune/<encoder>/<dataset>/fold<fold>/spc<spc>/    the same files as pretraining,
     with the scores before finetuning as well, and timing.csv: minutes of training
"""


rule finetune_encoder:
    """Train a pretrained encoder further, with the same objective, on the objects of one fold and SPC."""
    input:
        model="<results>/pretrain/{encoder}/model.weights.h5",
        config="<results>/pretrain/{encoder}/config.json",
        train="<results>/records/{dataset}/fold{fold}/spc{spc}/train.tfrecord",
        validation="<results>/records/{dataset}/fold{fold}/spc{spc}/validation.tfrecord",
        test="<results>/records/{dataset}/fold{fold}/test/test.tfrecord",
        targets=summary_targets,
    output:
        model="<results>/finetune/{encoder}/{dataset}/fold{fold}/spc{spc}/model.weights.h5",
        config="<results>/finetune/{encoder}/{dataset}/fold{fold}/spc{spc}/config.json",
        history="<results>/finetune/{encoder}/{dataset}/fold{fold}/spc{spc}/history.csv",
        steps="<results>/finetune/{encoder}/{dataset}/fold{fold}/spc{spc}/steps.csv",
        tensorboard=directory("<results>/finetune/{encoder}/{dataset}/fold{fold}/spc{spc}/tensorboard"),
        scores="<results>/finetune/{encoder}/{dataset}/fold{fold}/spc{spc}/scores.csv",
        timing="<results>/finetune/{encoder}/{dataset}/fold{fold}/spc{spc}/timing.csv",
        provenance="<results>/finetune/{encoder}/{dataset}/fold{fold}/spc{spc}/provenance.json",
    log:
        "<logs>/finetune_encoder/{encoder}/{dataset}/fold{fold}/spc{spc}.log",
    benchmark:
        "<benchmarks>/finetune_encoder/{encoder}/{dataset}/fold{fold}/spc{spc}.jsonl"
    conda:
        "../envs/astromer.yaml"
    threads: 1
    resources:
        mem_mb=scaled_mem_mb(3000),
        runtime=scaled_runtime(240, per_input_mb=0.5),
        gpu_share=gpu_share(2),
    params:
        training=RUN.finetuning.plain(),
        masking=RUN.masking.plain(),
        devices=RUN.devices.plain(),
        window=RUN.window,
        seed=RUN.seed,
        state=f"results/{RUN.run}/states/finetune/{{encoder}}/{{dataset}}/fold{{fold}}/spc{{spc}}",
        simulated=simulated_of,
        code=code_digest("finetune_encoder"),
    message:
        "Finetuning {wildcards.encoder} on {wildcards.dataset}, fold {wildcards.fold}, {wildcards.spc} samples per class"
    script:
        "../workflow_scripts/finetune_encoder.py"
