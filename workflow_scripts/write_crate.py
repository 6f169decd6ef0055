"""Results of a run, with the provenance of all jobs -> the description of the run as Provenance Run Crate."""

from _entry import run

run(snakemake, "astromer.stages.crate", "write_crate")
