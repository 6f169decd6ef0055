"""Stage 10: encoders and a classifier of the run, applied to every object of whole surveys, labelled or not.

IN   <results>/pretrain/<encoder>/model.weights.h5, <results>/parquet/<survey>/{observations,objects}/<shard>.parquet
     the classifier that the section `apply` names, its encoders, and its validation objects
OUT  <results>/embeddings/<encoder>/<survey>/<shard>.parquet    one vector per object
     <results>/predictions/<survey>/<shard>.parquet             class probabilities and prediction set per object
"""


rule embed_survey:
    """Embed every object of one shard of a survey with an encoder, as it was pretrained."""
    input:
        model="<results>/pretrain/{encoder}/model.weights.h5",
        config="<results>/pretrain/{encoder}/config.json",
        observations="<results>/parquet/{survey}/observations/{shard}.parquet",
    output:
        embeddings="<results>/embeddings/{encoder}/{survey}/{shard}.parquet",
        provenance="<results>/embeddings/{encoder}/{survey}/{shard}.provenance.json",
    log:
        "<logs>/embed_survey/{encoder}/{survey}/{shard}.log",
    benchmark:
        "<benchmarks>/embed_survey/{encoder}/{survey}/{shard}.jsonl"
    conda:
        "../envs/astromer.yaml"
    threads: 1
    resources:
        mem_mb=scaled_mem_mb(3000, per_input_mb=4),
        runtime=scaled_runtime(120, per_input_mb=0.1),
        gpu_share=gpu_share(1),
    params:
        window=RUN.window,
        simulated=simulated_of,
        code=code_digest("embed_survey"),
    message:
        "Embedding {wildcards.survey}, shard {wildcards.shard}, with {wildcards.encoder}"
    script:
        "../workflow_scripts/embed_survey.py"


if IS_HEAD:

    rule predict_by_head:
        """Apply a head, as an ensemble over its folds, to every object of one shard of a survey."""
        input:
            observations="<results>/parquet/{survey}/observations/{shard}.parquet",
            objects="<results>/parquet/{survey}/objects/{shard}.parquet",
            metadata=f"<results>/parquet/{RUN.datasets[APPLIED.dataset].survey}/metadata.parquet",
            split=f"<results>/splits/{APPLIED.dataset}.parquet",
            encoders=applied_encoders("model.weights.h5"),
            configs=applied_encoders("config.json"),
            models=applied("<results>/classify/{encoder}/{state}/{dataset}/heads/models"),
            validation=applied("<results>/classify/{encoder}/{state}/{dataset}/heads/predictions.parquet"),
        output:
            predictions="<results>/predictions/{survey}/{shard}.parquet",
            provenance="<results>/predictions/{survey}/{shard}.provenance.json",
        log:
            "<logs>/predict_by_head/{survey}/{shard}.log",
        benchmark:
            "<benchmarks>/predict_by_head/{survey}/{shard}.jsonl"
        conda:
            "../envs/astromer.yaml"
        threads: 1
        resources:
            mem_mb=scaled_mem_mb(4000, per_input_mb=4),
            runtime=scaled_runtime(120, per_input_mb=0.1),
            gpu_share=gpu_share(1),
        params:
            **applied_params(),
            arrays=list(RUN.classification.heads[APPLIED.classifier].arrays),
            whole_windows=RUN.classification.reads_padding,
            simulated=applied_simulated,
            code=code_digest(
                "predict_by_head",
                f"astromer.models.heads.{RUN.classification.heads[APPLIED.classifier].head}",
            ),
        message:
            "Predicting the classes of {wildcards.survey}, shard {wildcards.shard}"
        script:
            "../workflow_scripts/predict_by_head.py"


if IS_PROBE:

    rule predict_by_probe:
        """Fit a probe in each fold, and apply this ensemble to every object of one shard of a survey."""
        input:
            observations="<results>/parquet/{survey}/observations/{shard}.parquet",
            objects="<results>/parquet/{survey}/objects/{shard}.parquet",
            metadata=f"<results>/parquet/{RUN.datasets[APPLIED.dataset].survey}/metadata.parquet",
            split=f"<results>/splits/{APPLIED.dataset}.parquet",
            encoders=applied_encoders("model.weights.h5"),
            configs=applied_encoders("config.json"),
            embeddings=applied("<results>/embed/{encoder}/{dataset}/{state}.parquet"),
            features=applied_features(
                RUN.datasets[APPLIED.dataset].survey, shards_of(RUN.datasets[APPLIED.dataset].survey)
            ),
            described=applied_features("{survey}", ["{shard}"]),
        output:
            predictions="<results>/predictions/{survey}/{shard}.parquet",
            provenance="<results>/predictions/{survey}/{shard}.provenance.json",
        log:
            "<logs>/predict_by_probe/{survey}/{shard}.log",
        benchmark:
            "<benchmarks>/predict_by_probe/{survey}/{shard}.jsonl"
        conda:
            "../envs/astromer.yaml"
        threads: 1
        resources:
            mem_mb=scaled_mem_mb(4000, per_input_mb=4),
            runtime=scaled_runtime(120, per_input_mb=0.1),
            gpu_share=gpu_share(1),
        params:
            **applied_params(),
            seed=RUN.seed,
            simulated=applied_simulated,
            code=code_digest("predict_by_probe"),
        message:
            "Predicting the classes of {wildcards.survey}, shard {wildcards.shard}"
        script:
            "../workflow_scripts/predict_by_probe.py"
