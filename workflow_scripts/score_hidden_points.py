"""A pretrained model and test objects -> errors at hidden points for each class."""

from _entry import run

run(snakemake, "astromer.stages.hidden_points", "score_hidden_points", unused=["config"])
