"""Stored embeddings and features of one fold -> classical models, their predictions and their scores."""

from _entry import run

run(snakemake, "astromer.stages.probe", "fit_probes")
