"""Objects of all surveys -> the sets of pretraining and of every dataset, fold and SPC."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

from _entry import logged, write_provenance

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(
    metadata: list[Path],
    pretraining: Path,
    datasets: dict[str, Path],
    counts: Path,
    *,
    sections: dict[str, dict],
    pretraining_surveys: list[str],
    validation_fraction: float,
    test_fraction: float,
    match_radius_arcsec: float,
    seed: int,
) -> None:
    import polars as pl

    from astromer.data.splits import Dataset, count_objects, number_stars, split_dataset, split_pretraining
    from astromer.files import atomic_path

    objects = number_stars(pl.concat(pl.read_parquet(path) for path in metadata), match_radius_arcsec)
    drawn_from = {name: Dataset(name=name, **section) for name, section in sections.items()}
    sets = {name: split_dataset(objects, dataset, seed=seed) for name, dataset in drawn_from.items()}
    test_stars = pl.concat(table.filter(pl.col("subset") == "test")["star"] for table in sets.values())
    learned_from = split_pretraining(
        objects.filter(pl.col("survey").is_in(pretraining_surveys)),
        test_stars,
        validation_fraction=validation_fraction,
        test_fraction=test_fraction,
        seed=seed,
    )
    for path, table in [(pretraining, learned_from), *((datasets[name], table) for name, table in sets.items())]:
        with atomic_path(path) as temporary:
            table.write_parquet(temporary)
    with atomic_path(counts) as temporary:
        pl.concat(count_objects(table, drawn_from[name]) for name, table in sets.items()).write_csv(temporary)


if __name__ == "__main__":
    with logged(snakemake.log[0]):
        main(
            [Path(path) for path in snakemake.input.metadata],
            Path(snakemake.output.pretraining),
            {Path(path).stem: Path(path) for path in snakemake.output.datasets},
            Path(snakemake.output.counts),
            sections=json.loads(snakemake.params.datasets),
            pretraining_surveys=snakemake.params.pretraining_surveys,
            validation_fraction=snakemake.params.validation_fraction,
            test_fraction=snakemake.params.test_fraction,
            match_radius_arcsec=snakemake.params.match_radius_arcsec,
            seed=snakemake.params.seed,
        )
        write_provenance(snakemake)
