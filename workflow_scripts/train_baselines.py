"""Records of one fold and SPC -> classifiers trained from scratch, their predictions and their scores."""

from _entry import run

run(snakemake, "astromer.stages.ablation", "train_baselines")
