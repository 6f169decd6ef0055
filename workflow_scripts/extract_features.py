"""Observations of one shard of a survey -> features of its objects."""

from _entry import run

run(snakemake, "astromer.stages.features", "extract_features")
