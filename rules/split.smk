"""Stage 2: draw the objects of pretraining, training, validation and test.

IN   <results>/parquet/<survey>/metadata.parquet
OUT  <results>/splits/pretraining.parquet    survey, id, subset
     <results>/splits/<dataset>.parquet      fold, spc, subset, id, label
     <results>/splits/counts.csv             objects per class and set, and the requested numbers
     <results>/splits/audit.csv              every boundary between learning and testing, compared star by star
"""


rule split_objects:
    """Draw all sets of objects, which all later stages read; the result does not depend on the order of the datasets."""
    input:
        metadata=expand("<results>/parquet/{survey}/metadata.parquet", survey=RUN.used_surveys),
    output:
        pretraining="<results>/splits/pretraining.parquet",
        sets=expand("<results>/splits/{dataset}.parquet", dataset=sorted(RUN.datasets)),
        counts=report(
            "<results>/splits/counts.csv",
            caption="captions/counts.rst",
            category="Splits",
            labels={"table": "objects of each set"},
        ),
        provenance="<results>/splits/provenance.json",
    log:
        "<logs>/split_objects.log",
    benchmark:
        "<benchmarks>/split_objects.jsonl"
    conda:
        "../envs/astromer.yaml"
    threads: 1
    resources:
        mem_mb=scaled_mem_mb(2000, per_input_mb=4),
        runtime=scaled_runtime(20),
    params:
        datasets={name: dataset.plain() for name, dataset in RUN.datasets.items()},
        names=sorted(RUN.datasets),
        pretraining_surveys=RUN.pretraining.surveys,
        validation_fraction=RUN.pretraining.validation_fraction,
        test_fraction=RUN.pretraining.test_fraction,
        match_radius_arcsec=RUN.splits.match_radius_arcsec,
        id_spaces=RUN.id_spaces,
        seed=RUN.seed,
        simulated=RUN.simulated_surveys,
        code=code_digest("split_objects"),
    message:
        "Drawing training, validation and test objects"
    script:
        "../workflow_scripts/split_objects.py"


rule audit_splits:
    """Fail if a star is on both sides of a boundary; no record is written before this check has passed."""
    input:
        metadata=expand("<results>/parquet/{survey}/metadata.parquet", survey=RUN.used_surveys),
        pretraining="<results>/splits/pretraining.parquet",
        sets=expand("<results>/splits/{dataset}.parquet", dataset=RUN.datasets),
    output:
        table=report(
            "<results>/splits/audit.csv",
            caption="captions/audit.rst",
            category="Splits",
            labels={"table": "leakage audit"},
        ),
    log:
        "<logs>/audit_splits.log",
    benchmark:
        "<benchmarks>/audit_splits.jsonl"
    conda:
        "../envs/astromer.yaml"
    threads: 1
    resources:
        mem_mb=scaled_mem_mb(2000, per_input_mb=4),
        runtime=scaled_runtime(20),
    params:
        names=list(RUN.datasets),
        surveys=[dataset.survey for dataset in RUN.datasets.values()],
        match_radius_arcsec=RUN.splits.match_radius_arcsec,
        id_spaces=RUN.id_spaces,
        code=code_digest("audit_splits"),
    message:
        "Auditing the splits for leaks"
    script:
        "../workflow_scripts/audit_splits.py"
