"""Observations of a survey -> those of the objects of a dataset."""

from _entry import run

run(snakemake, "astromer.stages.records", "select_observations")
