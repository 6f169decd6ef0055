"""Stage 6: representations of the windows of each dataset, computed once and read by every classifier.

IN   <results>/pretrain/<encoder>/model.weights.h5, <results>/records/<dataset>/objects/objects.tfrecord
     <results>/finetune/<encoder>/<dataset>/fold<fold>/spc<spc>/model.weights.h5, <results>/records/<dataset>/fold<fold>/...
OUT  <results>/embed/<encoder>/<dataset>/frozen.parquet                   the encoder as it was pretrained
     <results>/embed/<encoder>/<dataset>/wrong_period.parquet             the same with periods that are wrong by 1 %
     <results>/embed/<encoder>/<dataset>/finetuned.parquet                the encoders of all folds and SPC
"""


rule embed_frozen:
    """Run an encoder, as it was pretrained, once on all windows of a dataset."""
    input:
        model="<results>/pretrain/{encoder}/model.weights.h5",
        config="<results>/pretrain/{encoder}/config.json",
        objects="<results>/records/{dataset}/objects/objects.tfrecord",
    output:
        embeddings="<results>/embed/{encoder}/{dataset}/frozen.parquet",
        provenance="<results>/embed/{encoder}/{dataset}/frozen.provenance.json",
    log:
        "<logs>/embed_frozen/{encoder}/{dataset}.log",
    benchmark:
        "<benchmarks>/embed_frozen/{encoder}/{dataset}.jsonl"
    conda:
        "../envs/astromer.yaml"
    threads: 1
    resources:
        mem_mb=scaled_mem_mb(3000, per_input_mb=4),
        runtime=scaled_runtime(120, per_input_mb=0.1),
        gpu_share=gpu_share(1),
    params:
        window=RUN.window,
        arrays=RUN.classification.arrays,
        whole_windows=RUN.classification.reads_padding,
        simulated=simulated_of,
        code=code_digest("embed_frozen"),
    message:
        "Embedding {wildcards.dataset} with {wildcards.encoder}"
    script:
        "../workflow_scripts/embed_frozen.py"


use rule embed_frozen as embed_with_wrong_period with:
    output:
        embeddings="<results>/embed/{encoder}/{dataset}/wrong_period.parquet",
        provenance="<results>/embed/{encoder}/{dataset}/wrong_period.provenance.json",
    log:
        "<logs>/embed_with_wrong_period/{encoder}/{dataset}.log",
    benchmark:
        "<benchmarks>/embed_with_wrong_period/{encoder}/{dataset}.jsonl"
    params:
        window=RUN.window,
        arrays=RUN.classification.arrays,
        whole_windows=RUN.classification.reads_padding,
        period_error="percent",
        simulated=simulated_of,
        code=code_digest("embed_frozen"),
    message:
        "Embedding {wildcards.dataset} with {wildcards.encoder} and wrong periods"


# One job for all folds and SPC, here and in the classification: most of a small job is the import of TensorFlow.
rule embed_finetuned:
    """Run the finetuned encoder of each fold and SPC once on all windows of its objects."""
    input:
        models=of_all_sets("<results>/finetune/{encoder}/{dataset}/fold{fold}/spc{spc}/model.weights.h5"),
        configs=of_all_sets("<results>/finetune/{encoder}/{dataset}/fold{fold}/spc{spc}/config.json"),
        train=of_all_sets("<results>/records/{dataset}/fold{fold}/spc{spc}/train.tfrecord"),
        validation=of_all_sets("<results>/records/{dataset}/fold{fold}/spc{spc}/validation.tfrecord"),
        test=of_all_folds("<results>/records/{dataset}/fold{fold}/test/test.tfrecord"),
    output:
        embeddings="<results>/embed/{encoder}/{dataset}/finetuned.parquet",
        provenance="<results>/embed/{encoder}/{dataset}/finetuned.provenance.json",
    log:
        "<logs>/embed_finetuned/{encoder}/{dataset}.log",
    benchmark:
        "<benchmarks>/embed_finetuned/{encoder}/{dataset}.jsonl"
    conda:
        "../envs/astromer.yaml"
    threads: 1
    resources:
        mem_mb=scaled_mem_mb(3000, per_input_mb=4),
        runtime=scaled_runtime(120, per_input_mb=0.1),
        gpu_share=gpu_share(1),
    params:
        folds=folds_of,
        spc=all_spc_of,
        window=RUN.window,
        arrays=RUN.classification.arrays,
        whole_windows=RUN.classification.reads_padding,
        simulated=simulated_of,
        code=code_digest("embed_finetuned"),
    message:
        "Embedding {wildcards.dataset} with the finetuned {wildcards.encoder}"
    script:
        "../workflow_scripts/embed_finetuned.py"
