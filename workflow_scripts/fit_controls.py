"""Features of the objects of one fold -> classical models, their predictions and their scores."""

from _entry import run

run(snakemake, "astromer.stages.probe", "fit_controls")
