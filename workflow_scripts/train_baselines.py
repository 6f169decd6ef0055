"""Records of all folds and SPC -> classifiers trained from scratch, with predictions and scores."""

from _entry import run

run(snakemake, "astromer.stages.ablation", "train_baselines")
