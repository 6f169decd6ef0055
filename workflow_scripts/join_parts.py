"""Sorted parts of a dump -> one folder of them."""

from _entry import run

run(snakemake, "astromer.stages.ingest", "join_parts")
