"""Dump, or its sorted parts -> one filtered shard, with counts and examples of rejected rows."""

from _entry import run

run(snakemake, "astromer.stages.ingest", "ingest_shard", unused=["catalog", "receipt"])
