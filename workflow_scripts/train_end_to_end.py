"""Pretrained encoders and records -> heads trained together with the encoder, their predictions and their scores."""

from _entry import run

run(snakemake, "astromer.stages.end_to_end", "train_end_to_end", unused=["configs"])
