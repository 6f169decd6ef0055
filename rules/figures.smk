"""Stage 9: notebooks read results and draw the figures; two rules run models on the examples that some of them show.

IN   <results>/pretrain/<encoder>/..., <results>/finetune/<encoder>/<dataset>/fold0/..., tables, scores and predictions
OUT  <results>/analyse/<encoder>/<dataset>/{attention,reconstruction}.parquet    example objects, one row per point
     <results>/figures/<figure>.{pdf,png}, <results>/tables/<figure>.csv
     <results>/notebooks/<figure>.ipynb                                          the executed notebook

A figure is its notebook: see `figure_table.smk`.
"""


rule analyse_attention:
    """Run the finetuned encoder on example objects and write the attention weights of its last block."""
    input:
        model=of_largest_spc("<results>/finetune/{encoder}/{dataset}/fold0/spc{spc}/model.keras"),
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
    params:
        classes=classes_of,
        per_class=EXAMPLES_PER_CLASS,
        window=RUN.window,
        seed=RUN.seed,
        simulated=RUN.simulated_surveys,
        code=code_digest("analyse_attention"),
    message:
        "Looking at the attention of {wildcards.encoder} to {wildcards.dataset}"
    script:
        "../workflow_scripts/analyse_attention.py"


rule reconstruct_windows:
    """Hide points of example objects and predict them with the pretrained model."""
    input:
        model="<results>/pretrain/{encoder}/model.keras",
        config="<results>/pretrain/{encoder}/config.json",
        records=of_largest_spc("<results>/records/{dataset}/fold0/spc{spc}/validation.tfrecord"),
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
    params:
        classes=classes_of,
        per_class=EXAMPLES_PER_CLASS,
        window=RUN.window,
        masking=PUBLISHED_MASKING,
        seed=RUN.seed,
        simulated=RUN.simulated_surveys,
        code=code_digest("reconstruct_windows"),
    message:
        "Reconstructing hidden points of {wildcards.dataset} with {wildcards.encoder}"
    script:
        "../workflow_scripts/reconstruct_windows.py"


for figure in FIGURES:

    rule:
        name:
            f"draw_{figure.name}"
        input:
            data=files_read(figure),
            source=str(figure.notebook),
        output:
            pdf=f"<results>/figures/{figure.stem}.pdf",
            png=report(
                f"<results>/figures/{figure.stem}.png",
                caption="captions/figure.rst",
                category="Figures",
                labels={"figure": figure.number},
            ),
            table=f"<results>/tables/{figure.stem}.csv",
            notebook=f"<results>/notebooks/{figure.stem}.ipynb",
            provenance=f"<results>/figures/{figure.stem}.provenance.json",
        log:
            text=f"<logs>/draw_{figure.name}/{figure.stem}.log",
            executed=f"<logs>/draw_{figure.name}/{figure.stem}.ipynb",
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
            caption=caption_of(figure),
            seed=RUN.seed,
            simulated=RUN.simulated_surveys,
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
