"""One shard and the pretraining split -> TFRecords of its three sets."""

from _entry import run

run(snakemake, "astromer.stages.records", "write_pretraining_records")
