"""Finetuned encoders and records of one fold -> pooled representations of all their windows."""

from _entry import run

run(snakemake, "astromer.stages.embed", "embed_finetuned", unused=["configs"])
