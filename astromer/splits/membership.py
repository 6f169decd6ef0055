"""Mark the objects of a survey that are in a training, validation or test set of a classifier."""

from collections.abc import Mapping

import polars as pl

from astromer.splits.draw import number_stars

COLUMNS = {"train": "in_training", "validation": "in_validation", "test": "in_test"}


def membership(
    objects: pl.DataFrame,
    entries: pl.DataFrame,
    sets: pl.DataFrame,
    *,
    spc: int,
    radius_arcsec: float,
    id_spaces: Mapping[str, str],
) -> pl.DataFrame:
    """Mark the objects whose star is in a set of any fold of a dataset.

    Args:
        objects: survey, id, ra and dec [deg, may be null] of the objects to mark.
        entries: the same of all objects of the dataset's survey.
        sets: sets of the dataset, see `astromer.splits.draw.split_dataset`.
        spc: samples per class of the training and validation sets.
        radius_arcsec, id_spaces: what makes two entries one star, see `astromer.splits.stars.star_numbers`.

    Returns:
        `id` and the boolean columns `in_training`, `in_validation` and `in_test`, in the order of `objects`.
    """
    drawn = sets.filter(pl.col("spc").is_null() | (pl.col("spc") == spc)).select("id", "subset").unique()
    columns = ["survey", "id", "ra", "dec"]
    of_drawn = entries.select(columns).filter(pl.col("id").is_in(drawn["id"].implode()))
    both = pl.concat([objects.select(columns), of_drawn])
    stars = number_stars(both, radius_arcsec, id_spaces)["star"]
    in_sets = of_drawn.with_columns(star=stars[objects.height :]).join(drawn, on="id")
    return objects.select("id").with_columns(
        stars[: objects.height].is_in(in_sets.filter(pl.col("subset") == subset)["star"].implode()).alias(name)
        for subset, name in COLUMNS.items()
    )
