"""Stage 2: draw the objects of pretraining, training, validation and test."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from astromer.config.datasets import Dataset
from astromer.files import atomic_path
from astromer.splits.draw import COUNT_SCHEMA, count_objects, number_stars, split_dataset, split_pretraining


def split_objects(
    metadata: Sequence[Path],
    pretraining: Path,
    sets: Sequence[Path],
    counts: Path,
    *,
    datasets: Mapping[str, Mapping[str, Any]],
    names: Sequence[str],
    pretraining_surveys: Sequence[str],
    validation_fraction: float,
    test_fraction: float,
    match_radius_arcsec: float,
    id_spaces: Mapping[str, str],
    seed: int,
) -> None:
    """Draw the sets of pretraining and of every dataset, fold and SPC.

    Args:
        metadata: objects of the surveys of the run.
        pretraining: written; survey, id, star and subset.
        sets: written, one file per entry of `names`; see `astromer.splits.draw.split_dataset`.
        counts: written; number of objects per class and set.
        datasets: sections of the datasets by name.
        names: datasets in the order of `sets` and of the rows of `counts`.
        pretraining_surveys: surveys that are used for pretraining; without any, its table is empty.
        validation_fraction, test_fraction: fractions of the stars of pretraining.
        match_radius_arcsec, id_spaces: see `astromer.splits.stars.star_numbers`.
        seed: seed of all draws.
    """
    objects = number_stars(pl.concat(pl.read_parquet(path) for path in metadata), match_radius_arcsec, id_spaces)
    sections = {name: Dataset.read(datasets[name], f"datasets.{name}") for name in names}
    drawn = {name: split_dataset(objects, section, name=name, seed=seed) for name, section in sections.items()}
    none = objects.clear()["star"]
    test_stars = pl.concat([none, *(table.filter(pl.col("subset") == "test")["star"] for table in drawn.values())])
    learned_from = objects.clear().select("survey", "id", "star", subset=pl.lit("train"))
    if pretraining_surveys:
        learned_from = split_pretraining(
            objects.filter(pl.col("survey").is_in(list(pretraining_surveys))),
            test_stars,
            validation_fraction=validation_fraction,
            test_fraction=test_fraction,
            seed=seed,
        )
    for path, table in [(pretraining, learned_from), *zip(sets, drawn.values(), strict=True)]:
        with atomic_path(path) as temporary:
            table.write_parquet(temporary)
    with atomic_path(counts) as temporary:
        tables = [count_objects(table, sections[name], name=name) for name, table in drawn.items()]
        pl.concat([pl.DataFrame(schema=COUNT_SCHEMA), *tables]).write_csv(temporary)
