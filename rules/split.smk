"""Stage 2: which objects pretrain, train, validate and test.

IN   <results>/parquet/<survey>/metadata.parquet
OUT  <results>/splits/pretraining.parquet    survey, id, subset
     <results>/splits/<dataset>.parquet      fold, spc, subset, id, label
"""


rule split_objects:
    """Draw every set of objects once; all later stages read these."""
    input:
        metadata=expand("<results>/parquet/{survey}/metadata.parquet", survey=used_surveys()),
    output:
        pretraining="<results>/splits/pretraining.parquet",
        datasets=expand("<results>/splits/{dataset}.parquet", dataset=config["datasets"]),
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
