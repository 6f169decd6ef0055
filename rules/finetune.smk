"""Stage 5: the pretrained encoder is adapted to a dataset, still without labels.

IN   <results>/pretrain/<ckpt>/model.keras, <results>/records/<dataset>/fold<fold>/spc<spc>/*.tfrecord
OUT  <results>/finetune/<ckpt>/<dataset>/fold<fold>/spc<spc>/    the same files as pretraining
"""


rule finetune_encoder:
    """Go on with the objective of pretraining on the objects of one fold and SPC."""
    input:
        model="<results>/pretrain/{ckpt}/model.keras",
        config="<results>/pretrain/{ckpt}/config.json",
        train="<results>/records/{dataset}/fold{fold}/spc{spc}/train.tfrecord",
        validation="<results>/records/{dataset}/fold{fold}/spc{spc}/validation.tfrecord",
        test="<results>/records/{dataset}/fold{fold}/test/test.tfrecord",
    output:
        model="<results>/finetune/{ckpt}/{dataset}/fold{fold}/spc{spc}/model.keras",
        config="<results>/finetune/{ckpt}/{dataset}/fold{fold}/spc{spc}/config.json",
        history="<results>/finetune/{ckpt}/{dataset}/fold{fold}/spc{spc}/history.csv",
        steps="<results>/finetune/{ckpt}/{dataset}/fold{fold}/spc{spc}/steps.csv",
        tensorboard=directory("<results>/finetune/{ckpt}/{dataset}/fold{fold}/spc{spc}/tensorboard"),
        scores="<results>/finetune/{ckpt}/{dataset}/fold{fold}/spc{spc}/scores.csv",
        provenance="<results>/finetune/{ckpt}/{dataset}/fold{fold}/spc{spc}/provenance.json",
    log:
        "<logs>/finetune_encoder/{ckpt}/{dataset}/fold{fold}/spc{spc}.log",
    benchmark:
        "<benchmarks>/finetune_encoder/{ckpt}/{dataset}/fold{fold}/spc{spc}.jsonl"
    retries: 2
    conda:
        "../envs/astromer.yaml"
    threads: 1
    resources:
        mem_mb=scaled_mem_mb(3000),
        runtime=scaled_runtime(240),
    params:
        training=as_json("finetuning"),
        masking=as_json("masking"),
        devices=as_json("devices"),
        window=config["window"],
        seed=config["seed"],
        state=f"results/{config['run']}/states/finetune/{{ckpt}}/{{dataset}}/fold{{fold}}/spc{{spc}}",
        simulated=simulated_surveys(),
        code=package_digest(*TRAINING_CODE),
    message:
        "Finetuning {wildcards.ckpt} on {wildcards.dataset}, fold {wildcards.fold}, {wildcards.spc} samples per class"
    script:
        "../workflow_scripts/finetune_encoder.py"
