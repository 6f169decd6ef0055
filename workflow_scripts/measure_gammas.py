"""Trained heads `skip` -> the table of gamma."""

from _entry import run

run(snakemake, "astromer.stages.gammas", "measure_gammas")
