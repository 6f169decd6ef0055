"""Encoders, trained heads and observations of a shard -> class probabilities and prediction set per object."""

from _entry import run

run(snakemake, "astromer.stages.predictions", "predict_by_head", unused=["configs"])
