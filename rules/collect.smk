"""Named targets for the command line: `snakemake --cores 2 records`, `pretrained`, `figures`, `report`, ...

The targets of single figures are in `figures.smk`.
"""


localrules:
    all,
    surveys,
    records,
    pretrained,
    embeddings,
    classifiers,
    predictions,
    tables,
    results,
    figures,
    report,
    crate,


rule surveys:
    """Ingest every survey of the run."""
    input:
        expand("<results>/parquet/{survey}/metadata.parquet", survey=RUN.applied_surveys),


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
        expand("<results>/pretrain/{encoder}/model.weights.h5", encoder=RUN.encoders),
        score_files(),


rule embeddings:
    """Embed every object of every survey with every encoder; and the windows of every dataset, for classifiers."""
    input:
        [path for encoder in RUN.encoders for path in of_applied_shards(f"<results>/embeddings/{encoder}")],
        [f"<results>/embed/{encoder}/{dataset}/frozen.parquet" for encoder in RUN.encoders for dataset in RUN.datasets],
        [
            f"<results>/embed/{encoder}/{dataset}/finetuned.parquet"
            for encoder in RUN.finetuned_encoders
            for dataset in RUN.datasets
        ],


rule classifiers:
    """Train every classifier, and predict the test objects."""
    input:
        classifier_files("predictions.parquet"),


rule predictions:
    """Apply the classifier of the section `apply` to every object of every survey."""
    input:
        predictions_of_surveys,


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
        "<results>/report.zip",


rule crate:
    """Describe every job of the run, with checksums, as RO-Crate; `astromer verify` checks it."""
    input:
        "<results>/ro-crate-metadata.json",
