"""Pretrained model and light curves outside its training set -> hidden points, true and predicted."""

from _entry import run

run(snakemake, "astromer.stages.hidden_points", "reconstruct_windows", unused=["config"])
