"""Dump, and size and checksums from the configuration -> receipt of the verification."""

from _entry import run

run(snakemake, "astromer.stages.fetch", "verify_dump", unused=["dump", "listing"])
