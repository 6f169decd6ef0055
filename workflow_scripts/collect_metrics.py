"""Scores of single runs -> one tidy table."""

from pathlib import Path
from typing import TYPE_CHECKING

from _entry import logged, write_provenance

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(paths: list[Path], metrics: Path) -> None:
    import polars as pl

    from astromer.evaluation.scores import read_metrics
    from astromer.files import atomic_path

    with atomic_path(metrics) as temporary:
        pl.concat(read_metrics(path) for path in paths).write_csv(temporary)


if __name__ == "__main__":
    with logged(snakemake.log[0]):
        main([Path(path) for path in snakemake.input.metrics], Path(snakemake.output.metrics))
        write_provenance(snakemake)
