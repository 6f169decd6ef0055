"""The tables of the run -> the executed notebook that shows them."""

from _entry import run

TABLES = ["claims", "main", "ablation", "controls", "finetuning", "confusion"]
run(snakemake, "astromer.stages.figures", "draw_figure", unused=TABLES)
