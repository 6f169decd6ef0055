"""Stored embeddings of one fold -> trained heads, their predictions and their scores."""

from _entry import run

run(snakemake, "astromer.stages.classify", "train_heads")
