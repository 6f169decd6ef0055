"""Stage 8: notebooks read result files and draw the paper's figures.

IN   Parquet tables, scores and predictions
OUT  <results>/figures/<figure>.{pdf,png}, <results>/tables/<figure>.csv, <results>/notebooks/<figure>.ipynb (executed)

Every figure is a rule of its own that says what its notebook reads; `fig02` is the pattern, the others inherit from it.
"""


rule draw_fig02:
    """Magnitude distributions of the surveys (Fig. 2)."""
    input:
        **{survey: observation_files(survey) for survey in used_surveys()},
        notebook=f"{workflow.basedir}/notebooks/fig02.ipynb",
    output:
        pdf="<results>/figures/fig02.pdf",
        png=report(
            "<results>/figures/fig02.png",
            caption="captions/fig02.rst",
            category="Figures",
            labels={"figure": "2"},
        ),
        table="<results>/tables/fig02.csv",
        notebook="<results>/notebooks/fig02.ipynb",
        provenance="<results>/figures/fig02.provenance.json",
    log:
        text="<logs>/draw_fig02.log",
        notebook="<logs>/draw_fig02.ipynb",
    benchmark:
        "<benchmarks>/draw_fig02.jsonl"
    retries: 1
    conda:
        "../envs/astromer.yaml"
    threads: 1
    resources:
        mem_mb=scaled_mem_mb(2000),
        runtime=scaled_runtime(30),
        notebook_slots=1,
    params:
        parameters=survey_parameters,
        seed=config["seed"],
        simulated=simulated_surveys(),
        code=package_digest("plots", "evaluation/distributions.py"),
    message:
        "Drawing {output.pdf}"
    script:
        "../workflow_scripts/run_notebook.py"


use rule draw_fig02 as draw_fig03 with:
    input:
        **{survey: observation_files(survey) for survey in used_surveys()},
        notebook=f"{workflow.basedir}/notebooks/fig03.ipynb",
    output:
        pdf="<results>/figures/fig03.pdf",
        png=report(
            "<results>/figures/fig03.png",
            caption="captions/fig03.rst",
            category="Figures",
            labels={"figure": "3"},
        ),
        table="<results>/tables/fig03.csv",
        notebook="<results>/notebooks/fig03.ipynb",
        provenance="<results>/figures/fig03.provenance.json",
    log:
        text="<logs>/draw_fig03.log",
        notebook="<logs>/draw_fig03.ipynb",
    benchmark:
        "<benchmarks>/draw_fig03.jsonl"


use rule draw_fig02 as draw_fig12 with:
    input:
        metrics="<results>/tables/metrics.csv",
        notebook=f"{workflow.basedir}/notebooks/fig12.ipynb",
    output:
        pdf="<results>/figures/fig12_{dataset}.pdf",
        png=report(
            "<results>/figures/fig12_{dataset}.png",
            caption="captions/fig12.rst",
            category="Figures",
            labels={"figure": "12, {dataset}"},
        ),
        table="<results>/tables/fig12_{dataset}.csv",
        notebook="<results>/notebooks/fig12_{dataset}.ipynb",
        provenance="<results>/figures/fig12_{dataset}.provenance.json",
    log:
        text="<logs>/draw_fig12_{dataset}.log",
        notebook="<logs>/draw_fig12_{dataset}.ipynb",
    benchmark:
        "<benchmarks>/draw_fig12_{dataset}.jsonl"
    params:
        parameters=lambda wildcards, input, output: notebook_parameters(
            metrics=input.metrics,
            dataset=wildcards.dataset,
            folds=list(range(config["datasets"][wildcards.dataset]["folds"])),
            encoders=encoder_labels(),
            pdf=output.pdf,
            png=output.png,
            table=output.table,
        ),
        seed=config["seed"],
        simulated=simulated_surveys(),
        code=package_digest("plots", "evaluation/scores.py"),


use rule draw_fig02 as draw_fig13 with:
    input:
        unpack(predictions_per_spc),
        notebook=f"{workflow.basedir}/notebooks/fig13.ipynb",
    output:
        pdf="<results>/figures/fig13_{dataset}.pdf",
        png=report(
            "<results>/figures/fig13_{dataset}.png",
            caption="captions/fig13.rst",
            category="Figures",
            labels={"figure": "13, {dataset}"},
        ),
        table="<results>/tables/fig13_{dataset}.csv",
        notebook="<results>/notebooks/fig13_{dataset}.ipynb",
        provenance="<results>/figures/fig13_{dataset}.provenance.json",
    log:
        text="<logs>/draw_fig13_{dataset}.log",
        notebook="<logs>/draw_fig13_{dataset}.ipynb",
    benchmark:
        "<benchmarks>/draw_fig13_{dataset}.jsonl"
    params:
        parameters=lambda wildcards, input, output: notebook_parameters(
            predictions={str(spc): list(input[f"spc{spc}"]) for spc in config["datasets"][wildcards.dataset]["spc"]},
            classes=config["datasets"][wildcards.dataset]["classes"],
            dataset=wildcards.dataset,
            model=config["classification"]["heads"][0],
            simulated=survey_of(wildcards) in simulated_surveys(),
            pdf=output.pdf,
            png=output.png,
            table=output.table,
        ),
        seed=config["seed"],
        simulated=simulated_surveys(),
        code=package_digest("plots", "evaluation/scores.py"),
