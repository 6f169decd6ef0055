"""Records of one fold and SPC -> a classifier trained from scratch, its predictions and their scores."""

from _entry import run

run(snakemake, "astromer.stages.ablation", "train_baseline")
