"""Stage 6: representations of the windows of each dataset, computed once and read by every head.

IN   <results>/finetune/<encoder>/<dataset>/fold<fold>/spc<spc>/model.keras, <results>/records/<dataset>/fold<fold>/...
OUT  <results>/embed/<encoder>/<dataset>/fold<fold>/spc<spc>/embeddings.parquet
"""


rule embed_dataset:
    """Run the frozen encoder once on the training, validation and test windows of one fold and SPC."""
    input:
        model="<results>/finetune/{encoder}/{dataset}/fold{fold}/spc{spc}/model.keras",
        config="<results>/finetune/{encoder}/{dataset}/fold{fold}/spc{spc}/config.json",
        train="<results>/records/{dataset}/fold{fold}/spc{spc}/train.tfrecord",
        validation="<results>/records/{dataset}/fold{fold}/spc{spc}/validation.tfrecord",
        test="<results>/records/{dataset}/fold{fold}/test/test.tfrecord",
    output:
        embeddings="<results>/embed/{encoder}/{dataset}/fold{fold}/spc{spc}/embeddings.parquet",
        provenance="<results>/embed/{encoder}/{dataset}/fold{fold}/spc{spc}/provenance.json",
    log:
        "<logs>/embed_dataset/{encoder}/{dataset}/fold{fold}/spc{spc}.log",
    benchmark:
        "<benchmarks>/embed_dataset/{encoder}/{dataset}/fold{fold}/spc{spc}.jsonl"
    retries: 1
    conda:
        "../envs/astromer.yaml"
    threads: 1
    resources:
        mem_mb=scaled_mem_mb(3000),
        runtime=scaled_runtime(60),
    params:
        window=RUN.window,
        arrays=RUN.classification.arrays,
        whole_windows=RUN.classification.reads_padding,
        simulated=RUN.simulated_surveys,
        code=code_digest("embed_dataset"),
    message:
        "Embedding {wildcards.dataset}, fold {wildcards.fold}, {wildcards.spc} samples per class"
    script:
        "../workflow_scripts/embed_dataset.py"
