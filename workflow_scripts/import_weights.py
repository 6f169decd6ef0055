"""Published weights -> a folder like that of a pretrained encoder."""

from _entry import run

run(snakemake, "astromer.stages.pretrain", "import_weights", unused=["config", "source"])
