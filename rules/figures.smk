"""Stage 9: notebooks read results and draw the figures; the other rules run the models that some of them show.

IN   <results>/pretrain/<encoder>/..., <results>/finetune/<encoder>/<dataset>/fold0/..., tables, scores and predictions
OUT  <results>/analyse/<encoder>/<dataset>/{attention,reconstruction}.parquet    example objects, one row per point
     <results>/analyse/<encoder>/<dataset>/{silhouette.csv,maps.parquet}         test objects, level by level
     <results>/analyse/<encoder>/gammas.csv                                      weights of the levels in the head `skip`
     <results>/figures/<figure>.{pdf,png,txt}, <results>/tables/<figure>.csv
     <results>/notebooks/<figure>.ipynb                                          the executed notebook

A figure is its notebook: see `figure_table.smk`.
"""

EXAMPLES_PER_CLASS = 3  # objects of each class that models run on; a figure draws some of them
PUBLISHED_MASKING = {"probed": 0.3, "random": 0.0, "same": 0.0}  # of the published Appendix B


rule analyse_attention:
    """Run the finetuned encoder on example objects and write the attention weights of its last block."""
    input:
        model=of_largest_spc("<results>/finetune/{encoder}/{dataset}/fold0/spc{spc}/model.weights.h5"),
        config=of_largest_spc("<results>/finetune/{encoder}/{dataset}/fold0/spc{spc}/config.json"),
        records=of_largest_spc("<results>/records/{dataset}/fold0/spc{spc}/train.tfrecord"),
    output:
        points="<results>/analyse/{encoder}/{dataset}/attention.parquet",
        provenance="<results>/analyse/{encoder}/{dataset}/attention.provenance.json",
    log:
        "<logs>/analyse_attention/{encoder}/{dataset}.log",
    benchmark:
        "<benchmarks>/analyse_attention/{encoder}/{dataset}.jsonl"
    conda:
        "../envs/astromer.yaml"
    threads: 1
    resources:
        mem_mb=scaled_mem_mb(3000),
        runtime=scaled_runtime(30),
        gpu_share=gpu_share(1),
    params:
        classes=classes_of,
        per_class=EXAMPLES_PER_CLASS,
        window=RUN.window,
        seed=RUN.seed,
        simulated=simulated_of,
        code=code_digest("analyse_attention"),
    message:
        "Looking at the attention of {wildcards.encoder} to {wildcards.dataset}"
    script:
        "../workflow_scripts/analyse_attention.py"


rule reconstruct_windows:
    """Hide points of example objects and predict them with the pretrained model."""
    input:
        model="<results>/pretrain/{encoder}/model.weights.h5",
        config="<results>/pretrain/{encoder}/config.json",
        records="<results>/records/{dataset}/fold0/test/test.tfrecord",  # pretraining may have seen all others
    output:
        points="<results>/analyse/{encoder}/{dataset}/reconstruction.parquet",
        provenance="<results>/analyse/{encoder}/{dataset}/reconstruction.provenance.json",
    log:
        "<logs>/reconstruct_windows/{encoder}/{dataset}.log",
    benchmark:
        "<benchmarks>/reconstruct_windows/{encoder}/{dataset}.jsonl"
    conda:
        "../envs/astromer.yaml"
    threads: 1
    resources:
        mem_mb=scaled_mem_mb(3000),
        runtime=scaled_runtime(30),
        gpu_share=gpu_share(1),
    params:
        classes=classes_of,
        per_class=EXAMPLES_PER_CLASS,
        window=RUN.window,
        masking=PUBLISHED_MASKING,
        seed=RUN.seed,
        simulated=simulated_of,
        code=code_digest("reconstruct_windows"),
    message:
        "Reconstructing hidden points of {wildcards.dataset} with {wildcards.encoder}"
    script:
        "../workflow_scripts/reconstruct_windows.py"


rule score_hidden_points:
    """Hide points of the test objects and score their reconstruction by the pretrained model for each class."""
    input:
        model="<results>/pretrain/{encoder}/model.weights.h5",
        config="<results>/pretrain/{encoder}/config.json",
        records="<results>/records/{dataset}/fold0/test/test.tfrecord",
    output:
        scores="<results>/analyse/{encoder}/{dataset}/hidden_points.csv",
        provenance="<results>/analyse/{encoder}/{dataset}/hidden_points.provenance.json",
    log:
        "<logs>/score_hidden_points/{encoder}/{dataset}.log",
    benchmark:
        "<benchmarks>/score_hidden_points/{encoder}/{dataset}.jsonl"
    conda:
        "../envs/astromer.yaml"
    threads: 1
    resources:
        mem_mb=scaled_mem_mb(3000),
        runtime=scaled_runtime(30),
        gpu_share=gpu_share(1),
    params:
        classes=classes_of,
        window=RUN.window,
        masking=RUN.masking.plain(),
        seed=RUN.seed,
        simulated=simulated_of,
        code=code_digest("score_hidden_points"),
    message:
        "Reconstructing hidden points of {wildcards.dataset} with {wildcards.encoder}"
    script:
        "../workflow_scripts/score_hidden_points.py"


rule analyse_levels:
    """Pool every level of the finetuned encoders over the test objects; write silhouettes, and t-SNE maps of fold 0."""
    input:
        models=of_folds_at_largest_spc("<results>/finetune/{encoder}/{dataset}/fold{fold}/spc{spc}/model.weights.h5"),
        configs=of_folds_at_largest_spc("<results>/finetune/{encoder}/{dataset}/fold{fold}/spc{spc}/config.json"),
        tests=of_folds_at_largest_spc("<results>/records/{dataset}/fold{fold}/test/test.tfrecord"),
    output:
        silhouette="<results>/analyse/{encoder}/{dataset}/silhouette.csv",
        maps="<results>/analyse/{encoder}/{dataset}/maps.parquet",
        provenance="<results>/analyse/{encoder}/{dataset}/levels.provenance.json",
    log:
        "<logs>/analyse_levels/{encoder}/{dataset}.log",
    benchmark:
        "<benchmarks>/analyse_levels/{encoder}/{dataset}.jsonl"
    conda:
        "../envs/astromer.yaml"
    threads: 1
    resources:
        mem_mb=scaled_mem_mb(3000),
        runtime=scaled_runtime(60),
        gpu_share=gpu_share(1),
    params:
        classes=classes_of,
        window=RUN.window,
        seed=RUN.seed,
        simulated=simulated_of,
        code=code_digest("analyse_levels"),
    message:
        "Analysing the levels of {wildcards.encoder} on {wildcards.dataset}"
    script:
        "../workflow_scripts/analyse_levels.py"


rule measure_gammas:
    """Read the weights of the levels from the trained heads `skip` of all datasets, folds and SPC."""
    input:
        models=lambda wildcards: list(skip_heads(wildcards)),
    output:
        gammas="<results>/analyse/{encoder}/gammas.csv",
        provenance="<results>/analyse/{encoder}/gammas.provenance.json",
    log:
        "<logs>/measure_gammas/{encoder}.log",
    benchmark:
        "<benchmarks>/measure_gammas/{encoder}.jsonl"
    conda:
        "../envs/astromer.yaml"
    threads: 1
    resources:
        mem_mb=scaled_mem_mb(2000),
        runtime=scaled_runtime(20),
        gpu_share=gpu_share(1),
    params:
        sources=lambda wildcards: list(skip_heads(wildcards).values()),
        head=skip_head(),
        simulated=lambda wildcards: RUN.simulated_behind(datasets=RUN.datasets, encoders=[wildcards.encoder]),
        code=code_digest("measure_gammas"),
    message:
        "Reading gamma of the heads on {wildcards.encoder}"
    script:
        "../workflow_scripts/measure_gammas.py"


for figure in FIGURES:

    rule:
        name:
            f"draw_{figure.name}"
        input:
            data=files_read(figure),
            source=os.path.relpath(figure.notebook),
        output:
            pdf=f"<results>/figures/{figure.stem}.pdf",
            png=f"<results>/figures/{figure.stem}.png",
            described=f"<results>/figures/{figure.stem}.txt",
            table=f"<results>/tables/{figure.stem}.csv",
            notebook=f"<results>/notebooks/{figure.stem}.ipynb",
            provenance=f"<results>/figures/{figure.stem}.provenance.json",
        log:
            f"<logs>/draw_{figure.name}/{figure.stem}.log",
        benchmark:
            f"<benchmarks>/draw_{figure.name}/{figure.stem}.jsonl"
        conda:
            "../envs/astromer.yaml"
        threads: 1
        resources:
            mem_mb=scaled_mem_mb(2000),
            runtime=scaled_runtime(30),
            notebook_slots=1,
        params:
            parameters=values_given(figure),
            executed=f"results/{RUN.run}/logs/draw_{figure.name}/{figure.stem}.ipynb",
            caption=caption_of(figure),
            seed=RUN.seed,
            simulated=simulated_behind_figure(figure),
            code=code_digest("draw_figure") + notebook_digest(figure.notebook),
        message:
            "Drawing {output.pdf}"
        script:
            "../workflow_scripts/draw_figure.py"

    rule:
        name:
            figure.name
        input:
            figure_files(figure),
        localrule: True
