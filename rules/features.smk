"""Stage 3: features of the light curves of a survey, computed once for the summary objective and for all controls.

IN   <results>/parquet/<survey>/observations/<shard>.parquet
OUT  <results>/features/<survey>/<shard>.parquet    one row per object
     <results>/features/wrong_period/<survey>/<shard>.parquet    the same with periods that are wrong by 1 %, a control
     <results>/features/targets.parquet             targets of the summary objective: ranks among the training objects
"""

from astromer.config.statistics import WRONG_PERIOD_FACTOR


rule extract_features:
    """Describe each object of one shard of a survey by numbers: statistics of magnitudes, period, shape of the folded curve."""
    input:
        observations="<results>/parquet/{survey}/observations/{shard}.parquet",
    output:
        features="<results>/features/{survey}/{shard}.parquet",
        provenance="<results>/features/{survey}/{shard}.provenance.json",
    log:
        "<logs>/extract_features/{survey}/{shard}.log",
    benchmark:
        "<benchmarks>/extract_features/{survey}/{shard}.jsonl"
    conda:
        "../envs/astromer.yaml"
    threads: 1
    resources:
        mem_mb=scaled_mem_mb(2000, per_input_mb=4),
        runtime=scaled_runtime(120, per_input_mb=0.5),
    params:
        simulated=simulated_of,
        code=code_digest("extract_features"),
    message:
        "Extracting features of {wildcards.survey}, shard {wildcards.shard}"
    script:
        "../workflow_scripts/extract_features.py"


use rule extract_features as extract_features_with_wrong_period with:
    output:
        features="<results>/features/wrong_period/{survey}/{shard}.parquet",
        provenance="<results>/features/wrong_period/{survey}/{shard}.provenance.json",
    log:
        "<logs>/extract_features_with_wrong_period/{survey}/{shard}.log",
    benchmark:
        "<benchmarks>/extract_features_with_wrong_period/{survey}/{shard}.jsonl"
    params:
        period_factor=WRONG_PERIOD_FACTOR,
        simulated=simulated_of,
        code=code_digest("extract_features"),
    message:
        "Extracting features of {wildcards.survey} with wrong periods, shard {wildcards.shard}"


rule write_summary_targets:
    """Rank the statistics of all objects among those of the training objects of pretraining."""
    input:
        features=[
            f"<results>/features/{survey}/{shard}.parquet"
            for survey in RUN.summarised_surveys
            for shard in shards_of(survey)
        ],
        split="<results>/splits/pretraining.parquet",
    output:
        targets="<results>/features/targets.parquet",
        provenance="<results>/features/targets.provenance.json",
    log:
        "<logs>/write_summary_targets.log",
    benchmark:
        "<benchmarks>/write_summary_targets.jsonl"
    conda:
        "../envs/astromer.yaml"
    threads: 1
    resources:
        mem_mb=scaled_mem_mb(2000, per_input_mb=4),
        runtime=scaled_runtime(30),
    params:
        surveys=[survey for survey in RUN.summarised_surveys for _ in shards_of(survey)],
        id_spaces=RUN.id_spaces,
        simulated=RUN.simulated_behind(surveys=RUN.summarised_surveys),
        code=code_digest("write_summary_targets"),
    message:
        "Writing the targets of the summary objective"
    script:
        "../workflow_scripts/write_summary_targets.py"
