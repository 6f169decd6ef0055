"""Stage 2: which objects pretrain, train, validate and test.

IN   <results>/parquet/<survey>/metadata.parquet
OUT  <results>/splits/pretraining.parquet    survey, id, subset
     <results>/splits/<dataset>.parquet      fold, spc, subset, id, label
     <results>/splits/counts.csv             objects of each class in each set, and how many were asked for
     <results>/splits/audit.csv              every boundary between learning and testing, compared star by star
"""


rule split_objects:
    """Draw every set of objects once; all later stages read these."""
    input:
        metadata=expand("<results>/parquet/{survey}/metadata.parquet", survey=used_surveys()),
    output:
        pretraining="<results>/splits/pretraining.parquet",
        datasets=expand("<results>/splits/{dataset}.parquet", dataset=config["datasets"]),
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
        mem_mb=scaled_mem_mb(2000),
        runtime=scaled_runtime(20),
    params:
        datasets=as_json("datasets"),
        pretraining_surveys=config["pretraining"]["surveys"],
        validation_fraction=lookup("pretraining/validation_fraction", within=config),
        test_fraction=lookup("pretraining/test_fraction", within=config),
        match_radius_arcsec=lookup("splits/match_radius_arcsec", within=config),
        seed=config["seed"],
        simulated=simulated_surveys(),
        code=package_digest("data/splits.py", "data/sky.py"),
    message:
        "Drawing training, validation and test objects"
    script:
        "../workflow_scripts/split_objects.py"


rule audit_splits:
    """Fail where a star stands on both sides of a boundary; no record is written before this has passed."""
    input:
        metadata=expand("<results>/parquet/{survey}/metadata.parquet", survey=used_surveys()),
        pretraining="<results>/splits/pretraining.parquet",
        datasets=expand("<results>/splits/{dataset}.parquet", dataset=config["datasets"]),
    output:
        audit=report(
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
        mem_mb=scaled_mem_mb(2000),
        runtime=scaled_runtime(20),
    params:
        surveys={name: dataset["survey"] for name, dataset in config["datasets"].items()},
        match_radius_arcsec=lookup("splits/match_radius_arcsec", within=config),
        code=package_digest("data/audit.py", "data/sky.py"),
    message:
        "Auditing the splits for leaks"
    script:
        "../workflow_scripts/audit_splits.py"
