"""Stage 4: an encoder learns from light curves without labels.

IN   <results>/records/pretraining/<survey>/<shard>/*.tfrecord
OUT  <results>/pretrain/<ckpt>/model.keras, config.json    best weights by validation loss, and the architecture
     <results>/pretrain/<ckpt>/history.csv, steps.csv      learning curves per epoch and per optimizer step
     <results>/pretrain/<ckpt>/tensorboard/                the same curves as events for TensorBoard
     <results>/pretrain/<ckpt>/scores.csv                  reconstruction of held-out stars
"""


rule pretrain_encoder:
    """Train an encoder to reconstruct hidden magnitudes; a killed job resumes from its state."""
    input:
        train=pretraining_records("train"),
        validation=pretraining_records("validation"),
        test=pretraining_records("test"),
    output:
        model="<results>/pretrain/{ckpt}/model.keras",
        config="<results>/pretrain/{ckpt}/config.json",
        history="<results>/pretrain/{ckpt}/history.csv",
        steps="<results>/pretrain/{ckpt}/steps.csv",
        tensorboard=directory("<results>/pretrain/{ckpt}/tensorboard"),
        scores=report(
            "<results>/pretrain/{ckpt}/scores.csv",
            caption="captions/pretraining.rst",
            category="Pretraining",
            labels={
                "checkpoint": "{ckpt}",
                "table": "reconstruction of held-out stars",
            },
        ),
        provenance="<results>/pretrain/{ckpt}/provenance.json",
    log:
        "<logs>/pretrain_encoder/{ckpt}.log",
    benchmark:
        "<benchmarks>/pretrain_encoder/{ckpt}.jsonl"
    wildcard_constraints:
        ckpt=any_of(trained_checkpoints()),
    priority: 10  # most of the run waits for it
    retries: 2
    conda:
        "../envs/astromer.yaml"
    threads: 8
    resources:
        mem_mb=scaled_mem_mb(6000),
        runtime=scaled_runtime(1440),
    params:
        encoder=as_json("checkpoints", "{ckpt}"),
        training=as_json("pretraining", "training"),
        masking=as_json("masking"),
        devices=as_json("devices"),
        window=config["window"],
        seed=config["seed"],
        state=f"results/{config['run']}/states/pretrain/{{ckpt}}",
        simulated=simulated_surveys(),
        code=package_digest(*TRAINING_CODE),
    message:
        "Pretraining {wildcards.ckpt}; progress is in {log}"
    script:
        "../workflow_scripts/pretrain_encoder.py"
