"""Objects of all surveys -> the sets of pretraining and of every dataset, fold and SPC."""

from _entry import run

run(snakemake, "astromer.stages.split", "split_objects")
