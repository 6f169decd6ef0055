"""The sets as they were written -> a table of all boundaries, or a failure that names what leaks."""

from pathlib import Path
from typing import TYPE_CHECKING

from _entry import logged

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(
    metadata: list[Path],
    pretraining: Path,
    datasets: dict[str, Path],
    table: Path,
    *,
    surveys: dict[str, str],
    match_radius_arcsec: float,
) -> None:
    import polars as pl

    from astromer.data.audit import audit
    from astromer.files import atomic_path

    positions = pl.concat(pl.read_parquet(path, columns=["survey", "id", "ra", "dec"]) for path in metadata)
    sets = {name: pl.read_parquet(path).with_columns(survey=pl.lit(surveys[name])) for name, path in datasets.items()}
    with atomic_path(table) as temporary:
        audit(pl.read_parquet(pretraining), sets, positions, match_radius_arcsec).write_csv(temporary)


if __name__ == "__main__":
    with logged(snakemake.log[0]):
        main(
            [Path(path) for path in snakemake.input.metadata],
            Path(snakemake.input.pretraining),
            {Path(path).stem: Path(path) for path in snakemake.input.datasets},
            Path(snakemake.output.audit),
            surveys=snakemake.params.surveys,
            match_radius_arcsec=snakemake.params.match_radius_arcsec,
        )
