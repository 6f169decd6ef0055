"""Imported weights and held-out stars -> scores of the reconstruction."""

from _entry import run

run(snakemake, "astromer.stages.pretrain", "score_imported", unused=["config"])
