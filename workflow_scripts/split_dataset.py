"""Objects of all surveys -> the sets of one dataset, drawn."""

from _entry import run

run(snakemake, "astromer.stages.split", "split_dataset")
