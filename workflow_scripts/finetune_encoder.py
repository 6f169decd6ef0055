"""Pretrained encoder and records of one fold and SPC -> the encoder adapted to them."""

from _entry import run

run(snakemake, "astromer.stages.finetune", "finetune_encoder", unused=["config"])
