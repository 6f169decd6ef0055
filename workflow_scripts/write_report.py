"""Figures and tables, with the provenance of all jobs -> the report, as a page and as an archive."""

from _entry import run

run(snakemake, "astromer.stages.report", "write_report")
