"""Stage 2: draw the objects of pretraining, training, validation and test."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from astromer.config.datasets import Dataset
from astromer.files import atomic_path, write_pieces
from astromer.splits import draw
from astromer.splits.given import given_sets
from astromer.surveys.released_sets import released_sets

Section = Mapping[str, Any]
COLUMNS = {"survey": pl.String(), "id": pl.String(), "star": pl.Int32(), "subset": pl.String()}
ROWS_AT_ONCE = 262_144


def split_dataset(
    metadata: Sequence[Path],
    sets: Path,
    counts: Path,
    *,
    given: Path | None = None,
    name: str,
    dataset: Section,
    match_radius_arcsec: float,
    id_spaces: Mapping[str, str],
    seed: int,
) -> None:
    """Draw the sets of every fold and SPC of one dataset, or take those that are given.

    Args:
        metadata: objects of the surveys of the run, because a chain of matches may lead through any of them.
        sets: written, see `astromer.splits.draw.split_dataset`.
        counts: written; number of objects per class and set.
        given: table of the sets, see `astromer.splits.given.given_sets`; None to draw them.
        name, dataset: the dataset and its section.
        match_radius_arcsec, id_spaces: see `astromer.splits.stars.star_numbers`.
        seed: seed of all draws.
    """
    section = Dataset.read(dataset, f"datasets.{name}")
    objects = _numbered_stars(metadata, match_radius_arcsec, id_spaces)
    drawn = _sets_of(objects, section, name, given, seed)
    with atomic_path(sets) as temporary:
        drawn.write_parquet(temporary)
    with atomic_path(counts) as temporary:
        draw.count_objects(drawn, section, name=name).write_csv(temporary)


def split_pretraining(
    metadata: Sequence[Path],
    pretraining: Path,
    *,
    given: Sequence[Path] = (),
    datasets: Mapping[str, Section],
    surveys: Sequence[str],
    validation_fraction: float,
    test_fraction: float,
    match_radius_arcsec: float,
    id_spaces: Mapping[str, str],
    seed: int,
) -> None:
    """Draw the sets of pretraining, without the test objects of any dataset.

    Test objects of drawn datasets are drawn again and not read from their files, so that a change of the other sets of
    a dataset does not rerun pretraining.

    Args:
        metadata: objects of the surveys of the run.
        pretraining: written; survey, id, star and subset.
        given: tables of the datasets whose sets are given, in the order of `datasets`.
        datasets: by name what decides the test objects: sections whose only SPC is the largest; may be empty.
        surveys: surveys that are used for pretraining; without any, the table has no rows.
        validation_fraction, test_fraction: fractions of the stars of pretraining.
        match_radius_arcsec, id_spaces, seed: as for `split_dataset`.
    """
    objects = _numbered_stars(metadata, match_radius_arcsec, id_spaces)
    sections = {name: Dataset.read(section, f"datasets.{name}") for name, section in datasets.items()}
    tables = dict(zip((name for name, section in sections.items() if section.sets), given, strict=True))
    drawn = [_sets_of(objects, section, name, tables.get(name), seed) for name, section in sections.items()]
    test_stars = pl.concat([objects["star"].clear(), *(t.filter(pl.col("subset") == "test")["star"] for t in drawn)])
    learned_from = objects.clear().select("survey", "id", "star", subset=pl.lit("train"))
    if surveys:
        objects = objects.filter(pl.col("survey").is_in(list(surveys)))
        learned_from = draw.split_pretraining(
            objects,
            test_stars,
            validation_fraction=validation_fraction,
            test_fraction=test_fraction,
            seed=seed,
        )
    write_pieces(pretraining, COLUMNS, learned_from.iter_slices(ROWS_AT_ONCE))


def collect_counts(tables: Sequence[Path], counts: Path) -> None:
    """Join the numbers of objects per class and set of all datasets in one table."""
    with atomic_path(counts) as temporary:
        pl.concat([pl.read_csv(path) for path in tables], how="vertical_relaxed").write_csv(temporary)


def write_released_sets(records: Path, sets: Path) -> tuple[int, int]:
    """List which objects are in which set of published records; return the numbers of rows and of repeated records."""
    table, repeated = released_sets(records)
    with atomic_path(sets) as temporary:
        table.write_csv(temporary)
    return table.height, repeated


def _sets_of(objects: pl.DataFrame, section: Dataset, name: str, given: Path | None, seed: int) -> pl.DataFrame:
    if given is not None:
        return given_sets(objects, given, section, name=name)
    return draw.split_dataset(objects, section, name=name, seed=seed)


def _numbered_stars(metadata: Sequence[Path], radius_arcsec: float, id_spaces: Mapping[str, str]) -> pl.DataFrame:
    """Read what the draws need of all objects, and number their stars; text that repeats is stored once."""
    repeated = (pl.col(column).cast(pl.Categorical) for column in ("survey", "class"))
    columns = [*repeated, *map(pl.col, ("id", "ra", "dec"))]
    tables = [pl.scan_parquet(path).select(columns).collect(engine="streaming") for path in metadata]
    objects = draw.number_stars(pl.concat(tables), radius_arcsec, id_spaces)
    return objects.select("survey", "id", "class", "star")
