"""Observations and sets of a dataset -> records of all its objects."""

from _entry import run

run(snakemake, "astromer.stages.records", "write_object_records", unused=["audit"])
