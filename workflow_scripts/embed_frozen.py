"""Encoder and records of a dataset -> pooled representations of all windows."""

from _entry import run

run(snakemake, "astromer.stages.embed", "embed_frozen", unused=["config"])
