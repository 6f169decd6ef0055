"""Sets that are given as a table of ids, such as those of published records, instead of being drawn."""

import logging
from pathlib import Path

import polars as pl

from astromer.config.datasets import Dataset
from astromer.errors import InputError
from astromer.splits.draw import SUBSETS

logger = logging.getLogger(__name__)

SCHEMA = {"fold": pl.Int32, "spc": pl.Int32, "subset": pl.String, "id": pl.String}


def given_sets(objects: pl.DataFrame, table: Path, dataset: Dataset, *, name: str) -> pl.DataFrame:
    """Return the sets that a table gives, in the form of `astromer.splits.draw.split_dataset`.

    A row that occurs twice counts once, and how many do is logged. Whether a star is on both sides of a boundary is
    for the audit to find.

    Args:
        objects: objects of the run's surveys with the columns survey, id, class and star.
        table: CSV with the columns fold, spc (empty for the test set, which all SPC of a fold share), subset and id.
        dataset: configuration of the dataset; its folds and SPC have to be in the table.
        name: name of the dataset.

    Raises:
        InputError: the table lacks a set, or names an object that the survey does not have in one of the classes.
    """
    rows = _read(table)
    wanted = rows.filter(pl.col("fold") < dataset.folds, pl.col("spc").is_null() | pl.col("spc").is_in(dataset.spc))
    sets = wanted.unique(maintain_order=True)
    logger.info(
        "%s: %d of %d rows repeat another one and count once", table, wanted.height - sets.height, wanted.height
    )
    _check_complete(sets, dataset, table)
    labels = {label: rank for rank, label in enumerate(dataset.classes)}
    members = objects.filter((pl.col("survey") == dataset.survey) & pl.col("class").is_in(list(labels)))
    found = sets.join(
        members.select("id", pl.col("class").cast(pl.String), "star"), on="id", how="left", maintain_order="left"
    )
    if unknown := found.filter(pl.col("class").is_null())["id"].unique().sort().to_list():
        raise InputError(
            f"{table}: {len(unknown)} objects, such as {unknown[0]}, are not in survey {dataset.survey}, or have no "
            f"class of dataset {name}; expected ids of its objects"
        )
    label = pl.col("class").replace_strict(labels, return_dtype=pl.Int32).alias("label")
    order = pl.col("subset").replace_strict({"test": 0, "train": 1, "validation": 2})
    found = found.sort("fold", pl.col("spc").fill_null(0), order, "id")
    return found.select("fold", "spc", "subset", "id", "class", label, "star")


def _read(table: Path) -> pl.DataFrame:
    try:
        rows = pl.read_csv(table, schema_overrides=SCHEMA).select(list(SCHEMA))
    except (OSError, pl.exceptions.PolarsError) as error:
        reason = str(error).partition("\n")[0]
        raise InputError(f"{table}: expected a CSV with the columns {', '.join(SCHEMA)}: {reason}") from error
    known = pl.col("subset").is_in(SUBSETS) & pl.all_horizontal(pl.col("fold", "id").is_not_null())
    has_spc = pl.col("spc").is_not_null()
    wrong = rows.filter(~known.fill_null(False) | (has_spc == (pl.col("subset") == "test")))
    if not wrong.is_empty():
        raise InputError(
            f"{table}: found {wrong.row(0)}; expected the subset train or validation with an SPC, or test without one"
        )
    return rows


def _check_complete(sets: pl.DataFrame, dataset: Dataset, table: Path) -> None:
    found = set(sets.select("fold", "spc", "subset").iter_rows())
    for fold in range(dataset.folds):
        expected = [(fold, spc, subset) for spc in dataset.spc for subset in ("train", "validation")]
        for place in [(fold, None, "test"), *expected]:
            if place not in found:
                raise InputError(f"{table}: has no {place[2]} set of fold {fold}, SPC {place[1] or 'all'}")
