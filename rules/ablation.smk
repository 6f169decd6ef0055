"""Stage 8: classifiers without a pretrained encoder, on the same objects as the heads.

IN   <results>/records/<dataset>/fold<fold>/...
OUT  <results>/baseline/<dataset>/    the files of the heads
"""


rule train_baselines:
    """Train all classifiers without a pretrained encoder, and score them on the same test objects."""
    input:
        train=of_all_sets("<results>/records/{dataset}/fold{fold}/spc{spc}/train.tfrecord"),
        validation=of_all_sets("<results>/records/{dataset}/fold{fold}/spc{spc}/validation.tfrecord"),
        test=of_all_folds("<results>/records/{dataset}/fold{fold}/test/test.tfrecord"),
    output:
        models=directory("<results>/baseline/{dataset}/models"),
        history="<results>/baseline/{dataset}/history.csv",
        predictions="<results>/baseline/{dataset}/predictions.parquet",
        metrics="<results>/baseline/{dataset}/metrics.csv",
        provenance="<results>/baseline/{dataset}/provenance.json",
    log:
        "<logs>/train_baselines/{dataset}.log",
    benchmark:
        "<benchmarks>/train_baselines/{dataset}.jsonl"
    priority: 5  # the longest job of a small run, which waits for no encoder
    conda:
        "../envs/astromer.yaml"
    threads: 1
    resources:
        mem_mb=scaled_mem_mb(2000, per_input_mb=2),
        runtime=scaled_runtime(240),
        gpu_share=gpu_share(1),
    params:
        baselines={name: baseline.plain() for name, baseline in RUN.classification.baselines.items()},
        folds=folds_of,
        spc=all_spc_of,
        seeds=RUN.classifier_seeds,
        classes=classes_of,
        window=RUN.window,
        hidden_units=RUN.classification.hidden_units,
        gru_units=RUN.classification.gru_units,
        weighting=RUN.classification.weighting,
        training=RUN.classification.baseline_training.plain(),
        state=f"results/{RUN.run}/states/baseline/{{dataset}}",
        tags=tags_of,
        calibration=RUN.classification.calibration.plain(),
        simulated=simulated_of,
        code=code_digest(
            "train_baselines",
            *(f"astromer.models.baselines.{entry.baseline}" for entry in RUN.classification.baselines.values()),
        ),
    message:
        "Training baselines on {wildcards.dataset}"
    script:
        "../workflow_scripts/train_baselines.py"
