"""Encoder and observations of a shard -> one vector per object."""

from _entry import run

run(snakemake, "astromer.stages.embeddings", "embed_survey", unused=["config"])
