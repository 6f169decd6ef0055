"""Finetuned encoders and records of all folds and SPC -> pooled representations of all windows."""

from _entry import run

run(snakemake, "astromer.stages.embed", "embed_finetuned", unused=["configs"])
