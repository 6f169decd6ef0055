"""Stage 2: draw the objects of pretraining, training, validation and test.

IN   <results>/parquet/<survey>/metadata.parquet; the tables that `datasets.<name>.sets` names
OUT  <results>/splits/pretraining.parquet    survey, id, subset
     <results>/splits/<dataset>.parquet      fold, spc, subset, id, label
     <results>/splits/counts/<dataset>.csv   objects per class and set, and the requested numbers
     <results>/splits/counts.csv             the same of all datasets
     <results>/splits/audit.csv              every boundary between learning and testing, compared star by star
"""


rule split_dataset:
    """Draw the sets of one dataset; the result does not depend on the other datasets."""
    input:
        metadata=metadata_of_run(),
        given=lambda wildcards: given_tables([wildcards.dataset]),
    output:
        sets="<results>/splits/{dataset}.parquet",
        counts="<results>/splits/counts/{dataset}.csv",
        provenance="<results>/splits/{dataset}.provenance.json",
    log:
        "<logs>/split_dataset/{dataset}.log",
    benchmark:
        "<benchmarks>/split_dataset/{dataset}.jsonl"
    conda:
        "../envs/astromer.yaml"
    threads: 1
    resources:
        mem_mb=scaled_mem_mb(2000, per_input_mb=40),
        runtime=scaled_runtime(20, per_input_mb=0.02),
    params:
        name="{dataset}",
        dataset=lambda wildcards: drawn_by(RUN.datasets[wildcards.dataset]),
        match_radius_arcsec=RUN.splits.match_radius_arcsec,
        id_spaces=RUN.id_spaces,
        seed=RUN.seed,
        simulated=RUN.simulated_surveys,
        code=code_digest("split_dataset"),
    message:
        "Drawing the training, validation and test objects of {wildcards.dataset}"
    script:
        "../workflow_scripts/split_dataset.py"


rule split_pretraining:
    """Draw the sets of pretraining, without the test objects of any dataset."""
    input:
        metadata=metadata_of_run(),
        given=given_tables(sorted(RUN.datasets)),
    output:
        pretraining="<results>/splits/pretraining.parquet",
        provenance="<results>/splits/pretraining.provenance.json",
    log:
        "<logs>/split_pretraining.log",
    benchmark:
        "<benchmarks>/split_pretraining.jsonl"
    conda:
        "../envs/astromer.yaml"
    threads: 1
    resources:
        mem_mb=scaled_mem_mb(2000, per_input_mb=40),
        runtime=scaled_runtime(20, per_input_mb=0.02),
    params:
        datasets={name: tests_drawn_by(RUN.datasets[name]) for name in sorted(RUN.datasets)},
        surveys=sorted(RUN.pretraining.surveys),
        validation_fraction=RUN.pretraining.validation_fraction,
        test_fraction=RUN.pretraining.test_fraction,
        match_radius_arcsec=RUN.splits.match_radius_arcsec,
        id_spaces=RUN.id_spaces,
        seed=RUN.seed,
        simulated=RUN.simulated_surveys,
        code=code_digest("split_pretraining"),
    message:
        "Drawing the objects of pretraining"
    script:
        "../workflow_scripts/split_pretraining.py"


rule collect_counts:
    """Collect how many objects each set has."""
    input:
        tables=expand("<results>/splits/counts/{dataset}.csv", dataset=RUN.datasets),
    output:
        counts="<results>/splits/counts.csv",
        provenance="<results>/splits/counts.provenance.json",
    log:
        "<logs>/collect_counts.log",
    benchmark:
        "<benchmarks>/collect_counts.jsonl"
    conda:
        "../envs/astromer.yaml"
    threads: 1
    resources:
        mem_mb=scaled_mem_mb(1000),
        runtime=scaled_runtime(10),
    params:
        simulated=RUN.simulated_surveys,
        code=code_digest("collect_counts"),
    message:
        "Counting the objects of all sets"
    script:
        "../workflow_scripts/collect_counts.py"


rule audit_splits:
    """Fail if a star is on both sides of a boundary. Records are written only after it has passed."""
    input:
        metadata=metadata_of_run(),
        pretraining="<results>/splits/pretraining.parquet",
        sets=expand("<results>/splits/{dataset}.parquet", dataset=sorted(RUN.datasets)),
        stars=[os.path.relpath(path) for path in RUN.star_lists.values() if path],
    output:
        table="<results>/splits/audit.csv",
        provenance="<results>/splits/audit.provenance.json",
    log:
        "<logs>/audit_splits.log",
    benchmark:
        "<benchmarks>/audit_splits.jsonl"
    conda:
        "../envs/astromer.yaml"
    threads: 1
    resources:
        mem_mb=scaled_mem_mb(2000, per_input_mb=40),
        runtime=scaled_runtime(20, per_input_mb=0.02),
    params:
        names=sorted(RUN.datasets),
        surveys=[RUN.datasets[name].survey for name in sorted(RUN.datasets)],
        match_radius_arcsec=RUN.splits.match_radius_arcsec,
        id_spaces=RUN.id_spaces,
        listed=[encoder for encoder, path in RUN.star_lists.items() if path],
        unlisted=[encoder for encoder, path in RUN.star_lists.items() if not path],
        simulated=RUN.simulated_surveys,
        code=code_digest("audit_splits"),
    message:
        "Auditing the splits for leaks"
    script:
        "../workflow_scripts/audit_splits.py"
