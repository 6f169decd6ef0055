"""Compressed tar -> the same tar, decompressed."""

from _entry import run

run(snakemake, "astromer.stages.ingest", "unpack_dump", unused=["receipt"])
