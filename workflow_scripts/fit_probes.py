"""Stored embeddings and features of a dataset -> predictions and scores of classical models."""

from _entry import run

run(snakemake, "astromer.stages.probe", "fit_probes")
