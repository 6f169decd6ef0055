"""Configuration of the run -> one file with every key, defaults included."""

from _entry import run

run(snakemake, "astromer.files", "write_json")
