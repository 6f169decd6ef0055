"""Stage 7: classifiers on frozen embeddings and on features, and the scores of all classifiers in one table.

IN   <results>/embed/<encoder>/<dataset>/..., <results>/features/<survey>/<shard>.parquet, <results>/splits/<dataset>.parquet
OUT  <results>/classify/<encoder>/<state>/<dataset>/fold<fold>/{heads,probes}/predictions.parquet, metrics.csv, ...
     <results>/classify/features/<dataset>/fold<fold>/predictions.parquet, metrics.csv, importances.csv, imputed.csv
     <results>/tables/metrics.csv    one tidy table of all scores
     <results>/tables/claims.csv     differences of classifiers with intervals and verdicts

The state of an encoder is `frozen` (as it was pretrained) or `finetuned`.
"""


rule train_heads:
    """Train all heads on the stored embeddings of one fold and score them on its test objects."""
    input:
        embeddings=embeddings_of,
        split="<results>/splits/{dataset}.parquet",
    output:
        models=directory("<results>/classify/{encoder}/{state}/{dataset}/fold{fold}/heads/models"),
        history="<results>/classify/{encoder}/{state}/{dataset}/fold{fold}/heads/history.csv",
        predictions="<results>/classify/{encoder}/{state}/{dataset}/fold{fold}/heads/predictions.parquet",
        metrics="<results>/classify/{encoder}/{state}/{dataset}/fold{fold}/heads/metrics.csv",
        provenance="<results>/classify/{encoder}/{state}/{dataset}/fold{fold}/heads/provenance.json",
    log:
        "<logs>/train_heads/{encoder}/{state}/{dataset}/fold{fold}.log",
    benchmark:
        "<benchmarks>/train_heads/{encoder}/{state}/{dataset}/fold{fold}.jsonl"
    conda:
        "../envs/astromer.yaml"
    threads: 1
    resources:
        mem_mb=scaled_mem_mb(3000, per_input_mb=4),
        runtime=scaled_runtime(120),
    params:
        heads={
            name: {**head.plain(), "hidden_units": RUN.classification.hidden_units_of(name)}
            for name, head in RUN.classification.heads.items()
        },
        fold=fold_of,
        spc=all_spc_of,
        classes=classes_of,
        weighting=RUN.classification.weighting,
        training=RUN.classification.training.plain(),
        seed=RUN.seed,
        state=f"results/{RUN.run}/states/classify/{{encoder}}/{{state}}/{{dataset}}/fold{{fold}}",
        tags=tags_of,
        simulated=RUN.simulated_surveys,
        code=code_digest(
            "train_heads", *(f"astromer.models.heads.{head.head}" for head in RUN.classification.heads.values())
        ),
    message:
        "Training heads on {wildcards.dataset}, fold {wildcards.fold}, with the {wildcards.state} {wildcards.encoder}"
    script:
        "../workflow_scripts/train_heads.py"


rule fit_probes:
    """Fit classical models to the vectors of an encoder, alone and together with features."""
    input:
        embeddings=embeddings_of,
        split="<results>/splits/{dataset}.parquet",
        features=lambda wildcards: features_of(wildcards) if RUN.classification.fused else [],
    output:
        predictions="<results>/classify/{encoder}/{state}/{dataset}/fold{fold}/probes/predictions.parquet",
        metrics="<results>/classify/{encoder}/{state}/{dataset}/fold{fold}/probes/metrics.csv",
        provenance="<results>/classify/{encoder}/{state}/{dataset}/fold{fold}/probes/provenance.json",
    log:
        "<logs>/fit_probes/{encoder}/{state}/{dataset}/fold{fold}.log",
    benchmark:
        "<benchmarks>/fit_probes/{encoder}/{state}/{dataset}/fold{fold}.jsonl"
    conda:
        "../envs/astromer.yaml"
    threads: 1
    resources:
        mem_mb=scaled_mem_mb(2000, per_input_mb=4),
        runtime=scaled_runtime(60),
    params:
        models=RUN.classification.probe_models,
        fold=fold_of,
        spc=all_spc_of,
        classes=classes_of,
        seed=RUN.seed,
        tags=tags_of,
        simulated=RUN.simulated_surveys,
        code=code_digest("fit_probes"),
    message:
        "Fitting probes on {wildcards.dataset}, fold {wildcards.fold}, with the {wildcards.state} {wildcards.encoder}"
    script:
        "../workflow_scripts/fit_probes.py"


rule fit_controls:
    """Fit classical models to features alone: what an encoder has to be compared with."""
    input:
        split="<results>/splits/{dataset}.parquet",
        features=features_of,
        wrong_period=lambda wildcards: (
            features_of(wildcards, "wrong_period/") if "wrong_period" in RUN.classification.controls else []
        ),
    output:
        predictions="<results>/classify/features/{dataset}/fold{fold}/predictions.parquet",
        metrics="<results>/classify/features/{dataset}/fold{fold}/metrics.csv",
        importances="<results>/classify/features/{dataset}/fold{fold}/importances.csv",
        imputed="<results>/classify/features/{dataset}/fold{fold}/imputed.csv",
        provenance="<results>/classify/features/{dataset}/fold{fold}/provenance.json",
    log:
        "<logs>/fit_controls/{dataset}/fold{fold}.log",
    benchmark:
        "<benchmarks>/fit_controls/{dataset}/fold{fold}.jsonl"
    conda:
        "../envs/astromer.yaml"
    threads: 1
    resources:
        mem_mb=scaled_mem_mb(2000, per_input_mb=4),
        runtime=scaled_runtime(60),
    params:
        models={name: list(model) for name, model in RUN.classification.control_models.items()},
        fold=fold_of,
        spc=all_spc_of,
        classes=classes_of,
        seed=RUN.seed,
        tags=tags_of,
        simulated=RUN.simulated_surveys,
        code=code_digest("fit_controls"),
    message:
        "Fitting controls on {wildcards.dataset}, fold {wildcards.fold}"
    script:
        "../workflow_scripts/fit_controls.py"


rule collect_metrics:
    """Collect the scores of all classifiers; a missing run is an error, because each is an input."""
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
        mem_mb=scaled_mem_mb(1000, per_input_mb=4),
        runtime=scaled_runtime(10),
    params:
        seed=RUN.seed,
        simulated=RUN.simulated_surveys,
        code=code_digest("collect_metrics"),
    message:
        "Collecting the scores of all classifiers"
    script:
        "../workflow_scripts/collect_metrics.py"


rule write_claims:
    """Compare the classifiers that the claims name, each with a paired interval and a verdict."""
    input:
        predictions=classifier_files("predictions.parquet"),
    output:
        claims=report(
            "<results>/tables/claims.csv",
            caption="captions/claims.rst",
            category="Scores",
            labels={"table": "claims"},
        ),
        provenance="<results>/tables/claims.provenance.json",
    log:
        "<logs>/write_claims.log",
    benchmark:
        "<benchmarks>/write_claims.jsonl"
    conda:
        "../envs/astromer.yaml"
    threads: 1
    resources:
        mem_mb=scaled_mem_mb(1000, per_input_mb=4),
        runtime=scaled_runtime(60),
    params:
        sources=list(classifier_folders().values()),
        encoders={name: RUN.summary_of(name) for name in RUN.encoders},
        datasets={name: {"classes": dataset.classes, "spc": dataset.spc} for name, dataset in RUN.datasets.items()},
        head=next(iter(RUN.classification.heads), None),
        seed=RUN.seed,
        simulated=RUN.simulated_surveys,
        code=code_digest("write_claims"),
    message:
        "Comparing classifiers"
    script:
        "../workflow_scripts/write_claims.py"
