"""Scores of single runs -> one tidy table."""

from _entry import run

run(snakemake, "astromer.stages.metrics", "collect_metrics")
