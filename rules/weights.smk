"""Stage 4 for published weights: a checkpoint that names some is imported instead of pretrained.

IN   the file that `weights.<name>` describes: in `mirror`, or downloaded
     <results>/records/pretraining/<survey>/<shard>/test.tfrecord
OUT  <results>/pretrain/<ckpt>/model.keras, config.json    as pretraining writes them, ready to finetune
     <results>/pretrain/<ckpt>/scores.csv                  reconstruction of the same held-out stars
"""


rule import_weights:
    """Convert published weights, once their checksum is verified, and score them as a pretrained encoder is."""
    input:
        weights=weights_file,
        test=pretraining_records("test"),
    output:
        model="<results>/pretrain/{ckpt}/model.keras",
        config="<results>/pretrain/{ckpt}/config.json",
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
        "<logs>/import_weights/{ckpt}.log",
    benchmark:
        "<benchmarks>/import_weights/{ckpt}.jsonl"
    wildcard_constraints:
        ckpt=any_of(imported_checkpoints()),
    retries: 1
    conda:
        "../envs/astromer.yaml"
    threads: 2
    resources:
        mem_mb=scaled_mem_mb(4000),
        runtime=scaled_runtime(60),
    params:
        source=lambda wildcards: weights_of(wildcards.ckpt)["url"],
        sha256=lambda wildcards: weights_of(wildcards.ckpt)["sha256"],
        variant=lambda wildcards: config["checkpoints"][wildcards.ckpt]["variant"],
        masking=as_json("masking"),
        devices=as_json("devices"),
        batch_size=lookup("pretraining/training/batch_size", within=config),
        window=config["window"],
        seed=config["seed"],
        simulated=simulated_surveys(),
        code=package_digest(*TRAINING_CODE),
    message:
        "Importing {wildcards.ckpt} from {input.weights}"
    script:
        "../workflow_scripts/convert_checkpoint.py"
