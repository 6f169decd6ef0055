"""Stage 8: classifiers without a pretrained encoder, on the same objects as the heads.

IN   <results>/records/<dataset>/fold<fold>/...
OUT  <results>/baseline/<dataset>/fold<fold>/spc<spc>/    the files of the heads
"""


rule train_baselines:
    """Train all classifiers without a pretrained encoder, and score them on the same test objects."""
    input:
        train="<results>/records/{dataset}/fold{fold}/spc{spc}/train.tfrecord",
        validation="<results>/records/{dataset}/fold{fold}/spc{spc}/validation.tfrecord",
        test="<results>/records/{dataset}/fold{fold}/test/test.tfrecord",
    output:
        models=directory("<results>/baseline/{dataset}/fold{fold}/spc{spc}/models"),
        history="<results>/baseline/{dataset}/fold{fold}/spc{spc}/history.csv",
        predictions="<results>/baseline/{dataset}/fold{fold}/spc{spc}/predictions.parquet",
        metrics="<results>/baseline/{dataset}/fold{fold}/spc{spc}/metrics.csv",
        provenance="<results>/baseline/{dataset}/fold{fold}/spc{spc}/provenance.json",
    log:
        "<logs>/train_baselines/{dataset}/fold{fold}/spc{spc}.log",
    benchmark:
        "<benchmarks>/train_baselines/{dataset}/fold{fold}/spc{spc}.jsonl"
    retries: 2
    conda:
        "../envs/astromer.yaml"
    threads: 1
    resources:
        mem_mb=scaled_mem_mb(2000),
        runtime=scaled_runtime(240),
    params:
        baselines={name: baseline.plain() for name, baseline in RUN.classification.baselines.items()},
        spc=spc_of,
        classes=classes_of,
        window=RUN.window,
        hidden_units=RUN.classification.hidden_units,
        gru_units=RUN.classification.gru_units,
        weighting=RUN.classification.weighting,
        training=RUN.classification.baseline_training.plain(),
        seed=RUN.seed,
        state=f"results/{RUN.run}/states/baseline/{{dataset}}/fold{{fold}}/spc{{spc}}",
        tags=tags_of,
        simulated=RUN.simulated_surveys,
        code=code_digest(
            "train_baselines",
            *(f"astromer.models.baselines.{entry.baseline}" for entry in RUN.classification.baselines.values()),
        ),
    message:
        "Training baselines on {wildcards.dataset}, fold {wildcards.fold}, {wildcards.spc} samples per class"
    script:
        "../workflow_scripts/train_baselines.py"
