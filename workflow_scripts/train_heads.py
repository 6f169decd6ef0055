"""Stored embeddings of a dataset -> trained heads of all folds, SPC and seeds, with predictions and scores."""

from _entry import run

run(snakemake, "astromer.stages.classify", "train_heads")
