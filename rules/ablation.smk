"""Stage 8: classifiers without a pretrained encoder, on the same objects as the heads.

IN   <results>/records/<dataset>/fold<fold>/...
OUT  <results>/baseline/<dataset>/fold<fold>/    the files of the heads
"""


rule train_baselines:
    """Train all classifiers without a pretrained encoder, and score them on the same test objects."""
    input:
        train=of_all_spc("<results>/records/{dataset}/fold{fold}/spc{spc}/train.tfrecord"),
        validation=of_all_spc("<results>/records/{dataset}/fold{fold}/spc{spc}/validation.tfrecord"),
        test="<results>/records/{dataset}/fold{fold}/test/test.tfrecord",
    output:
        models=directory("<results>/baseline/{dataset}/fold{fold}/models"),
        history="<results>/baseline/{dataset}/fold{fold}/history.csv",
        predictions="<results>/baseline/{dataset}/fold{fold}/predictions.parquet",
        metrics="<results>/baseline/{dataset}/fold{fold}/metrics.csv",
        provenance="<results>/baseline/{dataset}/fold{fold}/provenance.json",
    log:
        "<logs>/train_baselines/{dataset}/fold{fold}.log",
    benchmark:
        "<benchmarks>/train_baselines/{dataset}/fold{fold}.jsonl"
    conda:
        "../envs/astromer.yaml"
    threads: 1
    resources:
        mem_mb=scaled_mem_mb(2000, per_input_mb=2),
        runtime=scaled_runtime(240),
    params:
        baselines={name: baseline.plain() for name, baseline in RUN.classification.baselines.items()},
        spc=all_spc_of,
        classes=classes_of,
        window=RUN.window,
        hidden_units=RUN.classification.hidden_units,
        gru_units=RUN.classification.gru_units,
        weighting=RUN.classification.weighting,
        training=RUN.classification.baseline_training.plain(),
        seed=RUN.seed,
        state=f"results/{RUN.run}/states/baseline/{{dataset}}/fold{{fold}}",
        tags=tags_of,
        simulated=RUN.simulated_surveys,
        code=code_digest(
            "train_baselines",
            *(f"astromer.models.baselines.{entry.baseline}" for entry in RUN.classification.baselines.values()),
        ),
    message:
        "Training baselines on {wildcards.dataset}, fold {wildcards.fold}"
    script:
        "../workflow_scripts/train_baselines.py"
