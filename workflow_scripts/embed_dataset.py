"""Encoder and records of one fold and SPC -> pooled representations of all their windows."""

from _entry import run

run(snakemake, "astromer.stages.embed", "embed_dataset", unused=["config"])
