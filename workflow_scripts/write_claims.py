"""Predictions of all classifiers -> the claims, with intervals and verdicts."""

from _entry import run

run(snakemake, "astromer.stages.claims", "write_claims")
