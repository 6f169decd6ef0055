"""Named targets for the command line: `snakemake --cores 2 records`, `pretrained`, `figures`, `report`, ...

The targets of single figures are in `figures.smk`.
"""


localrules:
    all,
    surveys,
    records,
    pretrained,
    embeddings,
    predictions,
    tables,
    results,
    figures,
    report,


rule surveys:
    """Ingest every survey of the run."""
    input:
        expand("<results>/parquet/{survey}/metadata.parquet", survey=RUN.used_surveys),


rule records:
    """Write all TFRecords."""
    input:
        pretraining_records("train"),
        [
            f"<results>/records/{dataset}/fold{fold}/{part}/manifest.json"
            for dataset, fold, spc in sets_of_datasets()
            for part in (f"spc{spc}", "test")
        ],


rule pretrained:
    """Pretrain or import every encoder."""
    input:
        expand("<results>/pretrain/{encoder}/scores.csv", encoder=RUN.encoders),


rule embeddings:
    """Embed every dataset with every encoder, as it was pretrained and, if configured, finetuned."""
    input:
        [f"<results>/embed/{encoder}/{dataset}/frozen.parquet" for encoder in RUN.encoders for dataset in RUN.datasets],
        [
            f"<results>/embed/{encoder}/{dataset}/fold{fold}/finetuned.parquet"
            for encoder in RUN.finetuned_encoders
            for dataset, section in RUN.datasets.items()
            for fold in range(section.folds)
        ],


rule predictions:
    """Train every classifier, and predict the test objects."""
    input:
        classifier_files("predictions.parquet"),


rule tables:
    """Write every table."""
    input:
        [path for path in reported_files() if path.endswith(".csv")],


rule results:
    """Show the tables in a notebook, measured beside published."""
    input:
        "<results>/notebooks/results.ipynb",


rule figures:
    """Draw every figure."""
    input:
        [path for figure in FIGURES for path in figure_files(figure)],


rule report:
    """Write the HTML report and everything that it shows."""
    input:
        "<results>/report.html",
