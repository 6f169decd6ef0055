"""Survey and split -> TFRecords of the test objects of one fold."""

from _entry import run

run(snakemake, "astromer.stages.records", "write_test_records", unused=["audit"])
