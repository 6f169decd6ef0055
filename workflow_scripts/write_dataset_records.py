"""Survey and split -> TFRecords of the training and validation objects of one fold and SPC."""

from _entry import run

run(snakemake, "astromer.stages.records", "write_dataset_records", unused=["audit"])
