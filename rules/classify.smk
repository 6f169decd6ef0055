"""Stage 7: classifier heads on frozen embeddings, and the scores of all classifiers in one table.

IN   <results>/embed/<encoder>/<dataset>/fold<fold>/spc<spc>/embeddings.parquet
OUT  <results>/classify/<encoder>/<dataset>/fold<fold>/spc<spc>/<head>/predictions.parquet, metrics.csv, history.csv
     <results>/tables/metrics.csv                                    one tidy table of all scores
"""


rule train_head:
    """Train one head on the stored embeddings and score it on the test objects of its fold."""
    input:
        embeddings="<results>/embed/{encoder}/{dataset}/fold{fold}/spc{spc}/embeddings.parquet",
    output:
        model="<results>/classify/{encoder}/{dataset}/fold{fold}/spc{spc}/{head}/model.keras",
        history="<results>/classify/{encoder}/{dataset}/fold{fold}/spc{spc}/{head}/history.csv",
        predictions="<results>/classify/{encoder}/{dataset}/fold{fold}/spc{spc}/{head}/predictions.parquet",
        metrics="<results>/classify/{encoder}/{dataset}/fold{fold}/spc{spc}/{head}/metrics.csv",
        provenance="<results>/classify/{encoder}/{dataset}/fold{fold}/spc{spc}/{head}/provenance.json",
    log:
        "<logs>/train_head/{encoder}/{dataset}/fold{fold}/spc{spc}/{head}.log",
    benchmark:
        "<benchmarks>/train_head/{encoder}/{dataset}/fold{fold}/spc{spc}/{head}.jsonl"
    retries: 2
    conda:
        "../envs/astromer.yaml"
    threads: 1
    resources:
        mem_mb=scaled_mem_mb(2000),
        runtime=scaled_runtime(60),
    params:
        head=lambda wildcards: RUN.classification.heads[wildcards.head].head,
        variant=lambda wildcards: RUN.classification.heads[wildcards.head].variant,
        standardise=lambda wildcards: RUN.classification.heads[wildcards.head].standardise,
        classes=classes_of,
        hidden_units=lambda wildcards: RUN.classification.hidden_units_of(wildcards.head),
        weighting=RUN.classification.weighting,
        training=RUN.classification.training.plain(),
        seed=RUN.seed,
        state=f"results/{RUN.run}/states/classify/{{encoder}}/{{dataset}}/fold{{fold}}/spc{{spc}}/{{head}}",
        tags=tags_of("head", "head"),
        simulated=RUN.simulated_surveys,
        code=lambda wildcards: code_digest(
            "train_head", f"astromer.models.heads.{RUN.classification.heads[wildcards.head].head}"
        ),
    message:
        "Training head {wildcards.head} on {wildcards.dataset}, fold {wildcards.fold}, {wildcards.spc} samples per class"
    script:
        "../workflow_scripts/train_head.py"


rule collect_metrics:
    """Collect the scores of all heads and baselines; a missing run is an error, because each is an input."""
    input:
        scores=classifier_files("metrics.csv"),
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
        seed=RUN.seed,
        simulated=RUN.simulated_surveys,
        code=code_digest("collect_metrics"),
    message:
        "Collecting the scores of all classifiers"
    script:
        "../workflow_scripts/collect_metrics.py"
