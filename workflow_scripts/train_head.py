"""Stored embeddings of one fold and SPC -> a trained head, its predictions and their scores."""

from _entry import run

run(snakemake, "astromer.stages.classify", "train_head")
