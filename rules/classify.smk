"""Stage 7: classifiers on frozen embeddings and on features, and the scores of all classifiers in one table.

IN   <results>/embed/<encoder>/<dataset>/..., <results>/features/<survey>/<shard>.parquet, <results>/splits/<dataset>.parquet
OUT  <results>/classify/<encoder>/<state>/<dataset>/{heads,probes}/predictions.parquet, metrics.csv, ...
     <results>/classify/<encoder>/<state>/<dataset>/end_to_end/...    heads that were trained together with the encoder
     <results>/classify/features/<dataset>/predictions.parquet, metrics.csv, importances.csv, imputed.csv
     <results>/tables/metrics.csv    one tidy table of all scores
     <results>/tables/claims.csv     differences of classifiers with intervals and verdicts

One job trains the classifiers of all folds, SPC and seeds: most of a small job is the import of TensorFlow, and a
killed one resumes. The state of an encoder is `frozen` (as it was pretrained) or `finetuned`.
"""


rule train_heads:
    """Train all heads on the stored embeddings of a dataset and score them on its test objects."""
    input:
        embeddings=embeddings_of,
        split="<results>/splits/{dataset}.parquet",
    output:
        models=directory("<results>/classify/{encoder}/{state}/{dataset}/heads/models"),
        history="<results>/classify/{encoder}/{state}/{dataset}/heads/history.csv",
        predictions="<results>/classify/{encoder}/{state}/{dataset}/heads/predictions.parquet",
        metrics="<results>/classify/{encoder}/{state}/{dataset}/heads/metrics.csv",
        provenance="<results>/classify/{encoder}/{state}/{dataset}/heads/provenance.json",
    log:
        "<logs>/train_heads/{encoder}/{state}/{dataset}.log",
    benchmark:
        "<benchmarks>/train_heads/{encoder}/{state}/{dataset}.jsonl"
    conda:
        "../envs/astromer.yaml"
    threads: 1
    resources:
        mem_mb=scaled_mem_mb(3000, per_input_mb=4),
        runtime=scaled_runtime(120),
        gpu_share=gpu_share(1),
    params:
        heads=head_sections(RUN.classification.frozen_heads),
        folds=folds_of,
        spc=all_spc_of,
        seeds=RUN.classifier_seeds,
        classes=classes_of,
        weighting=RUN.classification.weighting,
        training=RUN.classification.training.plain(),
        state=f"results/{RUN.run}/states/classify/{{encoder}}/{{state}}/{{dataset}}",
        tags=tags_of,
        calibration=RUN.classification.calibration.plain(),
        simulated=simulated_of,
        code=code_digest("train_heads", *head_modules(RUN.classification.frozen_heads)),
    message:
        "Training heads on {wildcards.dataset}, with the {wildcards.state} {wildcards.encoder}"
    script:
        "../workflow_scripts/train_heads.py"


rule train_end_to_end:
    """Train heads together with their encoder on the light curves of a dataset, and score them on its test objects."""
    input:
        models=encoder_models_of,
        configs=lambda wildcards: [
            path.replace("model.weights.h5", "config.json") for path in encoder_models_of(wildcards)
        ],
        train=of_all_sets("<results>/records/{dataset}/fold{fold}/spc{spc}/train.tfrecord"),
        validation=of_all_sets("<results>/records/{dataset}/fold{fold}/spc{spc}/validation.tfrecord"),
        test=of_all_folds("<results>/records/{dataset}/fold{fold}/test/test.tfrecord"),
    output:
        models=directory("<results>/classify/{encoder}/{state}/{dataset}/end_to_end/models"),
        history="<results>/classify/{encoder}/{state}/{dataset}/end_to_end/history.csv",
        predictions="<results>/classify/{encoder}/{state}/{dataset}/end_to_end/predictions.parquet",
        metrics="<results>/classify/{encoder}/{state}/{dataset}/end_to_end/metrics.csv",
        provenance="<results>/classify/{encoder}/{state}/{dataset}/end_to_end/provenance.json",
    log:
        "<logs>/train_end_to_end/{encoder}/{state}/{dataset}.log",
    benchmark:
        "<benchmarks>/train_end_to_end/{encoder}/{state}/{dataset}.jsonl"
    conda:
        "../envs/astromer.yaml"
    threads: 1
    resources:
        mem_mb=scaled_mem_mb(4000, per_input_mb=2),
        runtime=scaled_runtime(480),
        gpu_share=gpu_share(2),
    params:
        heads=head_sections(RUN.classification.joined_heads),
        folds=folds_of,
        spc=all_spc_of,
        seeds=RUN.classifier_seeds,
        classes=classes_of,
        window=RUN.window,
        weighting=RUN.classification.weighting,
        training=RUN.classification.training.plain(),
        state=f"results/{RUN.run}/states/end_to_end/{{encoder}}/{{state}}/{{dataset}}",
        tags=tags_of,
        calibration=RUN.classification.calibration.plain(),
        simulated=simulated_of,
        code=code_digest("train_end_to_end", *head_modules(RUN.classification.joined_heads)),
    message:
        "Training heads and encoder together on {wildcards.dataset}, from the {wildcards.state} {wildcards.encoder}"
    script:
        "../workflow_scripts/train_end_to_end.py"


rule fit_probes:
    """Fit classical models to the vectors of an encoder, alone and together with features."""
    input:
        embeddings=embeddings_of,
        split="<results>/splits/{dataset}.parquet",
        on_features=("<results>/classify/features/{dataset}/predictions.parquet" if RUN.classification.fused else []),
    output:
        predictions="<results>/classify/{encoder}/{state}/{dataset}/probes/predictions.parquet",
        metrics="<results>/classify/{encoder}/{state}/{dataset}/probes/metrics.csv",
        provenance="<results>/classify/{encoder}/{state}/{dataset}/probes/provenance.json",
    log:
        "<logs>/fit_probes/{encoder}/{state}/{dataset}.log",
    benchmark:
        "<benchmarks>/fit_probes/{encoder}/{state}/{dataset}.jsonl"
    conda:
        "../envs/astromer.yaml"
    threads: 1
    resources:
        mem_mb=scaled_mem_mb(2000, per_input_mb=4),
        runtime=scaled_runtime(60),
    params:
        models=lambda wildcards: (
            RUN.classification.probes if wildcards.state == "wrong_period" else RUN.classification.probe_models
        ),
        folds=folds_of,
        spc=all_spc_of,
        seeds=RUN.classifier_seeds,
        classes=classes_of,
        tags=tags_of,
        calibration=RUN.classification.calibration.plain(),
        simulated=simulated_of,
        code=code_digest("fit_probes"),
    message:
        "Fitting probes on {wildcards.dataset}, with the {wildcards.state} {wildcards.encoder}"
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
        predictions="<results>/classify/features/{dataset}/predictions.parquet",
        metrics="<results>/classify/features/{dataset}/metrics.csv",
        importances="<results>/classify/features/{dataset}/importances.csv",
        imputed="<results>/classify/features/{dataset}/imputed.csv",
        provenance="<results>/classify/features/{dataset}/provenance.json",
    log:
        "<logs>/fit_controls/{dataset}.log",
    benchmark:
        "<benchmarks>/fit_controls/{dataset}.jsonl"
    conda:
        "../envs/astromer.yaml"
    threads: 1
    resources:
        mem_mb=scaled_mem_mb(2000, per_input_mb=4),
        runtime=scaled_runtime(60),
    params:
        models={name: list(model) for name, model in RUN.classification.control_models.items()},
        leave_out=RUN.classification.fused,
        folds=folds_of,
        spc=all_spc_of,
        seeds=RUN.classifier_seeds,
        classes=classes_of,
        tags=tags_of,
        calibration=RUN.classification.calibration.plain(),
        simulated=simulated_of,
        code=code_digest("fit_controls"),
    message:
        "Fitting controls on {wildcards.dataset}"
    script:
        "../workflow_scripts/fit_controls.py"


rule collect_metrics:
    """Collect the scores of all classifiers; a missing run is an error, because each is an input."""
    input:
        scores=classifier_files("metrics.csv"),
    output:
        metrics="<results>/tables/metrics.csv",
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
        claims="<results>/tables/claims.csv",
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
        datasets={
            name: {
                "classes": dataset.classes,
                "spc": dataset.spc,
                "folds": dataset.folds,
                "seeds": RUN.classification.seeds,
            }
            for name, dataset in RUN.datasets.items()
        },
        head=next(iter(RUN.classification.heads), None),
        seed=RUN.seed,
        simulated=RUN.simulated_surveys,
        code=code_digest("write_claims"),
    message:
        "Comparing classifiers"
    script:
        "../workflow_scripts/write_claims.py"
