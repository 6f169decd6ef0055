"""Objects of all surveys -> the sets of pretraining, without the test objects of any dataset."""

from _entry import run

run(snakemake, "astromer.stages.split", "split_pretraining")
