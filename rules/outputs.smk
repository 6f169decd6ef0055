"""Which figures, tables and other results a run makes, and what notebooks are told of them."""


def figure_names():
    """Every figure of the run."""
    return [
        "fig02",
        "fig03",
        *(["curves"] if trained_checkpoints() else []),
        "masking",
        *(f"{ckpt}/{figure}_{dataset}" for figure in ("fig07", "figB") for ckpt, dataset in ckpts_and_datasets()),
        *(f"{figure}_{dataset}" for figure in ("fig12", "fig13") for dataset in config["datasets"]),
    ]


def observation_files(survey):
    """All shards of a survey's observations."""
    return [f"<results>/parquet/{survey}/observations/{shard}.parquet" for shard in shards_of(survey)]


def notebook_parameters(**parameters):
    """Parameters of a notebook as one string; every figure is told the run's name."""
    return json.dumps(parameters | {"run": config["run"]}, sort_keys=True)


def survey_parameters(wildcards, input, output):
    """What the notebooks on whole surveys are told."""
    return notebook_parameters(
        surveys=used_surveys(),
        observations={survey: [str(path) for path in input[survey]] for survey in used_surveys()},
        simulated=simulated_surveys(),
        pdf=output.pdf,
        png=output.png,
        table=output.table,
    )


def encoder_labels():
    """Names of the checkpoints in figures: A1 and A2 as in the paper where these tell them apart, else their own."""
    short = {name: {"v1": "A1", "v2": "A2"}[architecture_of(name)] for name in config["checkpoints"]}
    return short if len(set(short.values())) == len(short) else {name: name for name in short}


def ckpts_and_datasets():
    """All pairs of checkpoint and dataset."""
    return [(ckpt, dataset) for ckpt in config["checkpoints"] for dataset in config["datasets"]]


def first_dataset():
    """The dataset that examples of the data are taken from."""
    return next(iter(config["datasets"]))


def largest_spc(dataset):
    """The largest number of samples per class of a dataset."""
    return max(config["datasets"][dataset]["spc"])


def of_largest_spc(path):
    """Input function: a path whose `{spc}` is the dataset's largest number of samples per class."""

    def path_of(wildcards):
        return path.format(**wildcards, spc=largest_spc(wildcards.dataset))

    return path_of


def learning_curves(wildcards):
    """Learning curves and scores of pretraining: three files of each checkpoint that is trained here."""
    return {
        ckpt: [f"<results>/pretrain/{ckpt}/{table}.csv" for table in ("history", "steps", "scores")]
        for ckpt in trained_checkpoints()
    }


def curves_parameters(wildcards, input, output):
    """What the notebook on learning curves is told."""
    surveys, labels = config["pretraining"]["surveys"], encoder_labels()
    return notebook_parameters(
        curves={
            labels[ckpt]: dict(zip(("history", "steps", "scores"), map(str, input[ckpt]), strict=True))
            for ckpt in trained_checkpoints()
        },
        surveys=surveys,
        simulated=[survey for survey in surveys if survey in simulated_surveys()],
        pdf=output.pdf,
        png=output.png,
        table=output.table,
    )


def masking_parameters(wildcards, input, output):
    """What the notebook on masking is told."""
    dataset = config["datasets"][first_dataset()]
    return notebook_parameters(
        records=input.records,
        dataset=first_dataset(),
        classes=dataset["classes"],
        window=config["window"],
        masking=config["masking"],
        seed=config["seed"],
        simulated=dataset["survey"] in simulated_surveys(),
        pdf=output.pdf,
        png=output.png,
        table=output.table,
    )


def example_parameters(wildcards, input, output):
    """What the notebooks on example objects are told."""
    return notebook_parameters(
        points=input.points,
        classes=config["datasets"][wildcards.dataset]["classes"],
        dataset=wildcards.dataset,
        encoder=encoder_labels()[wildcards.ckpt],
        simulated=survey_of(wildcards) in simulated_surveys(),
        pdf=output.pdf,
        png=output.png,
        table=output.table,
    )


def predictions_per_spc(wildcards):
    """Predictions of the first head on the first checkpoint, named by SPC: one file per fold."""
    ckpt, head = next(iter(config["checkpoints"])), config["classification"]["heads"][0]
    files = {}
    for fold, spc in fold_and_spc(wildcards.dataset):
        path = f"<results>/classify/{ckpt}/{wildcards.dataset}/fold{fold}/spc{spc}/{head}/predictions.parquet"
        files.setdefault(f"spc{spc}", []).append(path)
    return files


def reported_files():
    """Figures and tables that the report shows; `figures` and `tables` in collect.smk make just these."""
    figures = [f"<results>/figures/{name}.png" for name in figure_names()]
    tables = [
        "<results>/tables/metrics.csv",
        "<results>/splits/counts.csv",
        "<results>/splits/audit.csv",
    ]
    tables += [
        f"<results>/parquet/{survey}/{table}.csv" for survey in used_surveys() for table in ("quality", "examples")
    ]
    tables += [f"<results>/pretrain/{ckpt}/scores.csv" for ckpt in config["checkpoints"]]
    return figures + tables


def figure_files(*names):
    """PDF and PNG of figures."""
    return expand("<results>/figures/{name}.{suffix}", name=names, suffix=["pdf", "png"])


def of_each_dataset(figure):
    """PDF and PNG of a figure that is drawn for each dataset."""
    return figure_files(*(f"{figure}_{dataset}" for dataset in config["datasets"]))


def summary_of_results():
    """What a run that has ended tells its user."""
    results = Path("results", config["run"])
    places = {
        "figures": results / "figures",
        "tables": results / "tables",
        "report": results / "report.html",
    }
    lines = [f"  {name:8} {path}" for name, path in places.items() if path.exists()]
    return "\n".join([f"Run {config['run']!r} has ended. Its results:", *lines])
