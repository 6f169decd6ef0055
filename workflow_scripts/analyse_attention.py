"""Finetuned encoder and its training objects -> attention of the points of example light curves."""

from _entry import run

run(snakemake, "astromer.stages.attention", "analyse_attention", unused=["config"])
