"""Scores, predictions and finetunings -> the tables of the run, measured beside published."""

from _entry import run

run(snakemake, "astromer.stages.tables", "write_tables")
