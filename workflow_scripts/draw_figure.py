"""Notebook and its parameters -> the executed notebook, and the figure and table that it writes."""

from _entry import run

run(snakemake, "astromer.stages.figures", "draw_figure", unused=["data", "pdf", "png", "described", "table", "caption"])
