"""Finetuned encoders and test records -> silhouettes and t-SNE maps of every level."""

from _entry import run

run(snakemake, "astromer.stages.levels", "analyse_levels", unused=["configs"])
