"""Stage 8: classifiers without a pretrained encoder, on the same objects as the heads.

IN   <results>/records/<dataset>/fold<fold>/...
OUT  <results>/baseline/<dataset>/fold<fold>/spc<spc>/<baseline>/    the files of a head
"""


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
        baseline=lambda wildcards: RUN.classification.baselines[wildcards.baseline].baseline,
        variant=lambda wildcards: RUN.classification.baselines[wildcards.baseline].variant,
        classes=classes_of,
        window=RUN.window,
        hidden_units=RUN.classification.hidden_units,
        gru_units=RUN.classification.gru_units,
        weighting=RUN.classification.weighting,
        training=RUN.classification.baseline_training.plain(),
        seed=RUN.seed,
        state=f"results/{RUN.run}/states/baseline/{{dataset}}/fold{{fold}}/spc{{spc}}/{{baseline}}",
        tags=tags_of("baseline", "baseline"),
        simulated=RUN.simulated_surveys,
        code=lambda wildcards: code_digest(
            "train_baseline",
            f"astromer.models.baselines.{RUN.classification.baselines[wildcards.baseline].baseline}",
        ),
    message:
        "Training {wildcards.baseline} on {wildcards.dataset}, fold {wildcards.fold}, {wildcards.spc} samples per class"
    script:
        "../workflow_scripts/train_baseline.py"
