"""URL -> the downloaded and verified file."""

from _entry import run

run(snakemake, "astromer.stages.fetch", "fetch_dump")
