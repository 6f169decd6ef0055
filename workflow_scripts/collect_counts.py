"""Numbers of objects of each dataset -> one table."""

from _entry import run

run(snakemake, "astromer.stages.split", "collect_counts")
