"""Targets that a person types: `snakemake --cores 2 fig12`, `records`, `pretrained`, `figures`, `report`, ..."""


localrules:
    all,
    surveys,
    records,
    pretrained,
    embeddings,
    predictions,
    tables,
    figures,
    report,
    fig02,
    fig03,
    curves,
    masking,
    fig07,
    fig08,
    figB,
    fig12,
    fig13,


rule surveys:
    """Ingest every survey of the run."""
    input:
        expand("<results>/parquet/{survey}/metadata.parquet", survey=used_surveys()),


rule records:
    """Write all TFRecords."""
    input:
        pretraining_records("train"),
        [
            f"<results>/records/{dataset}/fold{fold}/{part}/manifest.json"
            for dataset in config["datasets"]
            for fold, spc in fold_and_spc(dataset)
            for part in (f"spc{spc}", "test")
        ],


rule pretrained:
    """Pretrain every checkpoint."""
    input:
        expand("<results>/pretrain/{ckpt}/scores.csv", ckpt=config["checkpoints"]),


rule embeddings:
    """Embed every dataset with its finetuned encoders."""
    input:
        [
            f"<results>/embed/{ckpt}/{dataset}/fold{fold}/spc{spc}/embeddings.parquet"
            for ckpt in config["checkpoints"]
            for dataset in config["datasets"]
            for fold, spc in fold_and_spc(dataset)
        ],


rule predictions:
    """Train every head and baseline, and predict the test objects."""
    input:
        classifier_files("predictions.parquet"),


rule tables:
    """Write every table."""
    input:
        [path for path in reported_files() if path.endswith(".csv")],


rule figures:
    """Draw every figure."""
    input:
        figure_files(*figure_names()),


rule report:
    """Write the HTML report, and all that it shows."""
    input:
        "<results>/report.html",


rule fig02:
    """Draw Fig. 2, magnitude distributions."""
    input:
        figure_files("fig02"),


rule fig03:
    """Draw Fig. 3, time steps."""
    input:
        figure_files("fig03"),


rule fig12:
    """Draw Fig. 12, scores of heads and baselines."""
    input:
        of_each_dataset("fig12"),


rule fig13:
    """Draw Figs. 13 and 14, confusion matrices."""
    input:
        of_each_dataset("fig13"),


rule curves:
    """Draw the learning curves of pretraining."""
    input:
        figure_files(*(["curves"] if trained_checkpoints() else [])),


rule masking:
    """Draw what masking does to a window."""
    input:
        figure_files("masking"),


rule fig07:
    """Draw Fig. 7, attention on folded light curves of the first dataset."""
    input:
        figure_files(*(f"{ckpt}/fig07_{first_dataset()}" for ckpt in config["checkpoints"])),


rule fig08:
    """Draw Fig. 8, the same for the other datasets."""
    input:
        figure_files(
            *(f"{ckpt}/fig07_{dataset}" for ckpt, dataset in ckpts_and_datasets() if dataset != first_dataset())
        ),


rule figB:
    """Draw Appendix B, reconstructions at hidden points."""
    input:
        figure_files(*(f"{ckpt}/figB_{dataset}" for ckpt, dataset in ckpts_and_datasets())),
