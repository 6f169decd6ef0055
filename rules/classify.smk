"""Stages 6 and 7: frozen embeddings, classifier heads on them, baselines without them, and all scores in one table.

IN   <results>/finetune/<ckpt>/<dataset>/fold<fold>/spc<spc>/model.keras, <results>/records/<dataset>/fold<fold>/...
OUT  <results>/embed/<ckpt>/<dataset>/fold<fold>/spc<spc>/embeddings.parquet
     <results>/classify/<ckpt>/<dataset>/fold<fold>/spc<spc>/<head>/predictions.parquet, metrics.csv, history.csv
     <results>/baseline/<dataset>/fold<fold>/spc<spc>/<baseline>/    the same files
     <results>/tables/metrics.csv                                    one tidy table of all scores
"""


rule embed_dataset:
    """Run the frozen encoder once on the training, validation and test windows of one fold and SPC."""
    input:
        model="<results>/finetune/{ckpt}/{dataset}/fold{fold}/spc{spc}/model.keras",
        config="<results>/finetune/{ckpt}/{dataset}/fold{fold}/spc{spc}/config.json",
        train="<results>/records/{dataset}/fold{fold}/spc{spc}/train.tfrecord",
        validation="<results>/records/{dataset}/fold{fold}/spc{spc}/validation.tfrecord",
        test="<results>/records/{dataset}/fold{fold}/test/test.tfrecord",
    output:
        embeddings="<results>/embed/{ckpt}/{dataset}/fold{fold}/spc{spc}/embeddings.parquet",
        provenance="<results>/embed/{ckpt}/{dataset}/fold{fold}/spc{spc}/provenance.json",
    log:
        "<logs>/embed_dataset/{ckpt}/{dataset}/fold{fold}/spc{spc}.log",
    benchmark:
        "<benchmarks>/embed_dataset/{ckpt}/{dataset}/fold{fold}/spc{spc}.jsonl"
    retries: 1
    conda:
        "../envs/astromer.yaml"
    threads: 1
    resources:
        mem_mb=scaled_mem_mb(3000),
        runtime=scaled_runtime(60),
    params:
        window=config["window"],
        simulated=simulated_surveys(),
        code=package_digest(*TRAINING_CODE, "evaluation/embeddings.py"),
    message:
        "Embedding {wildcards.dataset}, fold {wildcards.fold}, {wildcards.spc} samples per class"
    script:
        "../workflow_scripts/embed_dataset.py"


rule train_head:
    """Train one head on the stored embeddings and score it on the test objects of its fold."""
    input:
        embeddings="<results>/embed/{ckpt}/{dataset}/fold{fold}/spc{spc}/embeddings.parquet",
    output:
        model="<results>/classify/{ckpt}/{dataset}/fold{fold}/spc{spc}/{head}/model.keras",
        history="<results>/classify/{ckpt}/{dataset}/fold{fold}/spc{spc}/{head}/history.csv",
        predictions="<results>/classify/{ckpt}/{dataset}/fold{fold}/spc{spc}/{head}/predictions.parquet",
        metrics="<results>/classify/{ckpt}/{dataset}/fold{fold}/spc{spc}/{head}/metrics.csv",
        provenance="<results>/classify/{ckpt}/{dataset}/fold{fold}/spc{spc}/{head}/provenance.json",
    log:
        "<logs>/train_head/{ckpt}/{dataset}/fold{fold}/spc{spc}/{head}.log",
    benchmark:
        "<benchmarks>/train_head/{ckpt}/{dataset}/fold{fold}/spc{spc}/{head}.jsonl"
    retries: 2
    conda:
        "../envs/astromer.yaml"
    threads: 1
    resources:
        mem_mb=scaled_mem_mb(2000),
        runtime=scaled_runtime(60),
    params:
        run=config["run"],
        classes=lambda wildcards: config["datasets"][wildcards.dataset]["classes"],
        hidden_units=lookup("classification/hidden_units", within=config),
        training=as_json("classification", "training"),
        seed=config["seed"],
        state=f"results/{config['run']}/states/classify/{{ckpt}}/{{dataset}}/fold{{fold}}/spc{{spc}}/{{head}}",
        simulated=simulated_surveys(),
        data=lambda wildcards: data_kind(survey_of(wildcards)),
        code=package_digest(*CLASSIFIER_CODE),
    message:
        "Training head {wildcards.head} on {wildcards.dataset}, fold {wildcards.fold}, {wildcards.spc} samples per class"
    script:
        "../workflow_scripts/train_head.py"


rule train_baseline:
    """Train one classifier without a pretrained encoder, and score it on the same test objects."""
    input:
        train="<results>/records/{dataset}/fold{fold}/spc{spc}/train.tfrecord",
        validation="<results>/records/{dataset}/fold{fold}/spc{spc}/validation.tfrecord",
        test="<results>/records/{dataset}/fold{fold}/test/test.tfrecord",
    output:
        model="<results>/baseline/{dataset}/fold{fold}/spc{spc}/{baseline}/model.keras",
        history="<results>/baseline/{dataset}/fold{fold}/spc{spc}/{baseline}/history.csv",
        predictions="<results>/baseline/{dataset}/fold{fold}/spc{spc}/{baseline}/predictions.parquet",
        metrics="<results>/baseline/{dataset}/fold{fold}/spc{spc}/{baseline}/metrics.csv",
        provenance="<results>/baseline/{dataset}/fold{fold}/spc{spc}/{baseline}/provenance.json",
    log:
        "<logs>/train_baseline/{dataset}/fold{fold}/spc{spc}/{baseline}.log",
    benchmark:
        "<benchmarks>/train_baseline/{dataset}/fold{fold}/spc{spc}/{baseline}.jsonl"
    retries: 2
    conda:
        "../envs/astromer.yaml"
    threads: 1
    resources:
        mem_mb=scaled_mem_mb(2000),
        runtime=scaled_runtime(240),
    params:
        run=config["run"],
        classes=lambda wildcards: config["datasets"][wildcards.dataset]["classes"],
        window=config["window"],
        hidden_units=lookup("classification/hidden_units", within=config),
        gru_units=lookup("classification/gru_units", within=config),
        training=as_json("classification", "training"),
        seed=config["seed"],
        state=f"results/{config['run']}/states/baseline/{{dataset}}/fold{{fold}}/spc{{spc}}/{{baseline}}",
        simulated=simulated_surveys(),
        data=lambda wildcards: data_kind(survey_of(wildcards)),
        code=package_digest(*CLASSIFIER_CODE),
    message:
        "Training {wildcards.baseline} on {wildcards.dataset}, fold {wildcards.fold}, {wildcards.spc} samples per class"
    script:
        "../workflow_scripts/train_baseline.py"


rule collect_metrics:
    """Gather the scores of all heads and baselines; a missing run is an error, since each is an input."""
    input:
        metrics=classifier_files("metrics.csv"),
    output:
        metrics=report(
            "<results>/tables/metrics.csv",
            caption="captions/metrics.rst",
            category="Scores",
            labels={"table": "all scores"},
        ),
        provenance="<results>/tables/provenance.json",
    log:
        "<logs>/collect_metrics.log",
    benchmark:
        "<benchmarks>/collect_metrics.jsonl"
    conda:
        "../envs/astromer.yaml"
    threads: 1
    resources:
        mem_mb=scaled_mem_mb(1000),
        runtime=scaled_runtime(10),
    params:
        seed=config["seed"],
        simulated=simulated_surveys(),
        code=package_digest("evaluation/scores.py"),
    message:
        "Collecting the scores of all classifiers"
    script:
        "../workflow_scripts/collect_metrics.py"
