"""One part of a dump -> its rows, sorted into shards by object."""

from _entry import run

run(snakemake, "astromer.stages.ingest", "read_dump", unused=["catalog", "receipt"])
