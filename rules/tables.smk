"""Stage 9: the tables of the run, each with the published numbers in columns of their own.

IN   <results>/tables/metrics.csv, predictions of all classifiers, scores and times of finetuning
OUT  <results>/tables/main.csv          Astromer 1 and 2, as in the paper's main comparison
     <results>/tables/ablation.csv      every head on every encoder, and every baseline
     <results>/tables/controls.csv      classical models, on vectors and on features, and untrained encoders
     <results>/tables/confusion.csv     confusion matrices, one row per cell
     <results>/tables/finetuning.csv    reconstruction before and after finetuning, and its minutes
     <results>/notebooks/results.ipynb    the executed notebook that shows the tables
"""


rule write_tables:
    """Write the tables of scores, confusion and finetuning, measured beside published."""
    input:
        metrics="<results>/tables/metrics.csv",
        predictions=classifier_files("predictions.parquet"),
        scores=files_of_finetuning("scores.csv"),
        timings=files_of_finetuning("timing.csv"),
    output:
        main="<results>/tables/main.csv",
        ablation="<results>/tables/ablation.csv",
        controls="<results>/tables/controls.csv",
        confusion="<results>/tables/confusion.csv",
        finetuning="<results>/tables/finetuning.csv",
        provenance="<results>/tables/tables.provenance.json",
    log:
        "<logs>/write_tables.log",
    benchmark:
        "<benchmarks>/write_tables.jsonl"
    conda:
        "../envs/astromer.yaml"
    threads: 1
    resources:
        mem_mb=scaled_mem_mb(1000),
        runtime=scaled_runtime(60),
    params:
        sources=list(classifier_folders().values()),
        encoders={name: RUN.summary_of(name) for name in RUN.encoders},
        datasets={
            name: {
                "classes": dataset.classes,
                "folds": dataset.folds,
                "role": RUN.role_of(name),
                "survey": dataset.survey,
                "data": "simulated" if dataset.survey in RUN.simulated_surveys else "real",
            }
            for name, dataset in RUN.datasets.items()
        },
        modules={
            **{name: head.head for name, head in RUN.classification.heads.items()},
            **{name: baseline.baseline for name, baseline in RUN.classification.baselines.items()},
        },
        finetunings=finetunings(),
        seed=RUN.seed,
        simulated=RUN.simulated_surveys,
        code=code_digest("write_tables"),
    message:
        "Writing the tables, measured beside published"
    script:
        "../workflow_scripts/write_tables.py"


rule show_tables:
    """Execute the notebook that shows the tables."""
    input:
        claims="<results>/tables/claims.csv",
        main="<results>/tables/main.csv",
        ablation="<results>/tables/ablation.csv",
        controls="<results>/tables/controls.csv",
        finetuning="<results>/tables/finetuning.csv",
        confusion="<results>/tables/confusion.csv",
        source=os.path.relpath(f"{workflow.basedir}/notebooks/results.ipynb"),
    output:
        notebook="<results>/notebooks/results.ipynb",
        provenance="<results>/notebooks/results.provenance.json",
    log:
        "<logs>/show_tables.log",
    benchmark:
        "<benchmarks>/show_tables.jsonl"
    conda:
        "../envs/astromer.yaml"
    threads: 1
    resources:
        mem_mb=scaled_mem_mb(1000),
        runtime=scaled_runtime(30),
        notebook_slots=1,
    params:
        executed=f"results/{RUN.run}/logs/show_tables.ipynb",
        parameters=lambda wildcards, input: {
            "run": RUN.run,
            **{name: str(path) for name, path in input.items() if name != "source"},
        },
        simulated=RUN.simulated_surveys,
        code=code_digest("show_tables") + notebook_digest(Path(workflow.basedir, "notebooks/results.ipynb")),
    message:
        "Showing the tables in {output.notebook}"
    script:
        "../workflow_scripts/show_tables.py"
