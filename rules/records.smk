"""Stage 3: write the sets of stage 2 as TFRecords, the input of training.

IN   <results>/parquet/<survey>/observations/<shard>.parquet, <results>/splits/*.parquet
OUT  <results>/records/<dataset>/observations.parquet
     <results>/records/pretraining/<survey>/<shard>/{train,validation,test}.tfrecord
     <results>/records/<dataset>/fold<fold>/spc<spc>/{train,validation}.tfrecord
     <results>/records/<dataset>/fold<fold>/test/test.tfrecord
     <results>/records/<dataset>/objects/objects.tfrecord
     each folder with a manifest.json: counts, checksums, order of the labels
"""


rule write_pretraining_records:
    """Write one shard of a survey as records for pretraining, without the test stars of any dataset."""
    input:
        observations="<results>/parquet/{survey}/observations/{shard}.parquet",
        objects="<results>/parquet/{survey}/objects/{shard}.parquet",
        split="<results>/splits/pretraining.parquet",
    output:
        train="<results>/records/pretraining/{survey}/{shard}/train.tfrecord",
        validation="<results>/records/pretraining/{survey}/{shard}/validation.tfrecord",
        test="<results>/records/pretraining/{survey}/{shard}/test.tfrecord",
        manifest="<results>/records/pretraining/{survey}/{shard}/manifest.json",
        provenance="<results>/records/pretraining/{survey}/{shard}/provenance.json",
    log:
        "<logs>/write_pretraining_records/{survey}/{shard}.log",
    benchmark:
        "<benchmarks>/write_pretraining_records/{survey}/{shard}.jsonl"
    priority: 10  # pretraining waits for it
    conda:
        "../envs/astromer.yaml"
    threads: 1
    resources:
        mem_mb=scaled_mem_mb(2000, per_input_mb=4),
        runtime=scaled_runtime(60, per_input_mb=0.05),
    params:
        survey="{survey}",
        simulated=simulated_of,
        code=code_digest("write_pretraining_records"),
    message:
        "Writing pretraining records of {wildcards.survey}, shard {wildcards.shard}"
    script:
        "../workflow_scripts/write_pretraining_records.py"


rule select_observations:
    """Collect the observations of all objects of a dataset's sets, so that its survey is read once, not for each set."""
    input:
        observations=lambda wildcards: expand(
            "<results>/parquet/{survey}/observations/{shard}.parquet",
            survey=survey_of(wildcards),
            shard=shards_of(survey_of(wildcards)),
        ),
        metadata=lambda wildcards: f"<results>/parquet/{survey_of(wildcards)}/metadata.parquet",
        split="<results>/splits/{dataset}.parquet",
    output:
        selected="<results>/records/{dataset}/observations.parquet",
        provenance="<results>/records/{dataset}/observations.provenance.json",
    log:
        "<logs>/select_observations/{dataset}.log",
    benchmark:
        "<benchmarks>/select_observations/{dataset}.jsonl"
    conda:
        "../envs/astromer.yaml"
    threads: 1
    resources:
        mem_mb=scaled_mem_mb(2000),
        runtime=scaled_runtime(20, per_input_mb=0.005),
    params:
        simulated=simulated_of,
        code=code_digest("select_observations"),
    message:
        "Selecting the observations of {wildcards.dataset}"
    script:
        "../workflow_scripts/select_observations.py"


rule write_dataset_records:
    """Write the training and validation objects of one fold and SPC as records."""
    input:
        observations="<results>/records/{dataset}/observations.parquet",
        metadata=lambda wildcards: f"<results>/parquet/{survey_of(wildcards)}/metadata.parquet",
        split="<results>/splits/{dataset}.parquet",
        audit=ancient("<results>/splits/audit.csv"),
    output:
        train="<results>/records/{dataset}/fold{fold}/spc{spc}/train.tfrecord",
        validation="<results>/records/{dataset}/fold{fold}/spc{spc}/validation.tfrecord",
        manifest="<results>/records/{dataset}/fold{fold}/spc{spc}/manifest.json",
        provenance="<results>/records/{dataset}/fold{fold}/spc{spc}/provenance.json",
    log:
        "<logs>/write_dataset_records/{dataset}/fold{fold}/spc{spc}.log",
    benchmark:
        "<benchmarks>/write_dataset_records/{dataset}/fold{fold}/spc{spc}.jsonl"
    conda:
        "../envs/astromer.yaml"
    threads: 1
    resources:
        mem_mb=scaled_mem_mb(2000, per_input_mb=1),
        runtime=scaled_runtime(60),
    params:
        classes=classes_of,
        fold=fold_of,
        spc=spc_of,
        simulated=simulated_of,
        code=code_digest("write_dataset_records"),
    message:
        "Writing records of {wildcards.dataset}, fold {wildcards.fold}, {wildcards.spc} samples per class"
    script:
        "../workflow_scripts/write_dataset_records.py"


rule write_test_records:
    """Write the test objects of one fold, which all SPC share, as records."""
    input:
        observations="<results>/records/{dataset}/observations.parquet",
        metadata=lambda wildcards: f"<results>/parquet/{survey_of(wildcards)}/metadata.parquet",
        split="<results>/splits/{dataset}.parquet",
        audit=ancient("<results>/splits/audit.csv"),
    output:
        test="<results>/records/{dataset}/fold{fold}/test/test.tfrecord",
        manifest="<results>/records/{dataset}/fold{fold}/test/manifest.json",
        provenance="<results>/records/{dataset}/fold{fold}/test/provenance.json",
    log:
        "<logs>/write_test_records/{dataset}/fold{fold}.log",
    benchmark:
        "<benchmarks>/write_test_records/{dataset}/fold{fold}.jsonl"
    conda:
        "../envs/astromer.yaml"
    threads: 1
    resources:
        mem_mb=scaled_mem_mb(2000, per_input_mb=1),
        runtime=scaled_runtime(60),
    params:
        classes=classes_of,
        fold=fold_of,
        simulated=simulated_of,
        code=code_digest("write_test_records"),
    message:
        "Writing test records of {wildcards.dataset}, fold {wildcards.fold}"
    script:
        "../workflow_scripts/write_test_records.py"


rule write_object_records:
    """Write every object of a dataset's sets once, for encoders that are the same for all folds and SPC."""
    input:
        observations="<results>/records/{dataset}/observations.parquet",
        metadata=lambda wildcards: f"<results>/parquet/{survey_of(wildcards)}/metadata.parquet",
        split="<results>/splits/{dataset}.parquet",
        audit=ancient("<results>/splits/audit.csv"),
    output:
        objects="<results>/records/{dataset}/objects/objects.tfrecord",
        manifest="<results>/records/{dataset}/objects/manifest.json",
        provenance="<results>/records/{dataset}/objects/provenance.json",
    log:
        "<logs>/write_object_records/{dataset}.log",
    benchmark:
        "<benchmarks>/write_object_records/{dataset}.jsonl"
    conda:
        "../envs/astromer.yaml"
    threads: 1
    resources:
        mem_mb=scaled_mem_mb(2000, per_input_mb=1),
        runtime=scaled_runtime(60),
    params:
        classes=classes_of,
        simulated=simulated_of,
        code=code_digest("write_object_records"),
    message:
        "Writing records of all objects of {wildcards.dataset}"
    script:
        "../workflow_scripts/write_object_records.py"
