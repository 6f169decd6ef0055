"""Small tables of a survey's shards -> one table each."""

from _entry import run

run(snakemake, "astromer.stages.ingest", "merge_survey")
