"""Features of all shards of all surveys -> targets of the summary objective."""

from _entry import run

run(snakemake, "astromer.stages.features", "write_summary_targets")
