"""Merge all rows of a dump on an object into one."""

import polars as pl

from astromer.errors import InputError


def one_row_per_object(
    objects: pl.DataFrame, one_file_per_object: bool, name: str, *, each_band: bool = False
) -> pl.DataFrame:
    """Merge the rows on each object into one.

    With one file per object, only the rows of its first file count. Otherwise those of all files do: the position is
    the median of that of all observations, the class that of the catalogue or of most observations.

    Args:
        objects: columns of `OBJECT_SCHEMA`.
        one_file_per_object: see `astromer.config.surveys.Options`.
        name: name of the survey, for messages.
        each_band: whether an object may have several bands; the column `band` is then that of one of them.

    Returns:
        The columns id, class, band, ra, dec, `outvoted` (number of observations that state another class), and
        `contradicts` (whether the class is unknown because the catalogue and the observations, or the latter among
        themselves, disagree); sorted by id.

    Raises:
        InputError: there are two rows on an object, or its rows state two bands.
    """
    stated = ["class", "band"]
    if one_file_per_object:
        objects = objects.filter(pl.col("file").eq_missing(pl.col("file").min().over("id")))
        contradicting = pl.len() > 1
    else:
        contradicting = pl.lit(not each_band) & (pl.col("band").drop_nulls().n_unique() > 1)
    wrong = objects.group_by("id").agg(contradicting.alias("wrong"), pl.col("file", *stated).unique()).filter("wrong")
    if not wrong.is_empty():
        first = wrong.sort("id").row(0, named=True)
        values = "; ".join(f"{column} {', '.join(map(str, first[column]))}" for column in ("file", *stated))
        raise InputError(f"survey {name}: there are two rows of object {first['id']} ({values}); expected one")
    merged = objects.group_by("id").agg(pl.col("band").drop_nulls().first())
    for table in (_classes(objects), _positions(objects)):
        merged = merged.join(table, on="id", how="left")
    unknown = {"contradicts": False, "outvoted": 0}
    merged = merged.with_columns(pl.col(column).fill_null(value) for column, value in unknown.items())
    return merged.sort("id")


def _classes(objects: pl.DataFrame) -> pl.DataFrame:
    """Return the class of each object that has one: columns id, class, contradicts and outvoted."""
    is_listed = pl.col("rows").is_null()
    votes = (
        objects.filter(pl.col("class").is_not_null())
        .group_by("id", "class")
        .agg(pl.col("rows").sum(), is_listed.any().alias("listed"))
        .with_columns(total=pl.col("rows").sum().over("id"))
    )
    chosen = votes.filter(pl.col("listed") | (2 * pl.col("rows") > pl.col("total")))
    chosen = chosen.group_by("id").agg(
        pl.when(pl.len() == 1).then(pl.col("class").first()).alias("class"),
        (pl.col("total") - pl.col("rows")).first().alias("outvoted"),
    )
    known = votes.select(pl.col("id").unique()).join(chosen, on="id", how="left")
    return known.with_columns(contradicts=pl.col("class").is_null())


def _positions(objects: pl.DataFrame) -> pl.DataFrame:
    """Return the position of each object that has one: columns id, ra and dec [deg].

    Rows on an object itself, as in a catalogue, outrank those of observations.
    """
    table = pl.DataFrame(schema={"id": pl.String})
    for axis in ("ra", "dec"):
        rows = objects.filter(pl.col(axis).is_not_null()).select("id", "rows", value=axis)
        is_listed = pl.col("rows").is_null()
        rows = rows.filter(is_listed | ~is_listed.any().over("id")).with_columns(pl.col("rows").fill_null(1))
        if axis == "ra":  # relative to one of them, because 359.9 and 0.1 deg are neighbours
            rows = rows.with_columns(zero=pl.col("value").min().over("id"))
            rows = rows.with_columns(value=(pl.col("value") - pl.col("zero") + 180) % 360 - 180)
        else:
            rows = rows.with_columns(zero=pl.lit(0.0))
        median = _weighted_median(rows)
        turned = pl.col("zero") + pl.col("median")
        column = (turned % 360 if axis == "ra" else turned).alias(axis)
        table = table.join(median.select("id", column), on="id", how="full", coalesce=True)
    return table


def _weighted_median(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the median of `value` per id, each counted `rows` times; `zero` is passed on."""
    twice = 2 * pl.col("rows").cast(pl.UInt64).cum_sum().over("id")
    total = pl.col("rows").cast(pl.UInt64).sum().over("id")
    halves = rows.sort("id", "value").with_columns(lower=twice >= total, upper=twice > total)
    middle = [pl.col("value").filter(half).first() for half in ("lower", "upper")]
    return halves.group_by("id").agg(pl.col("zero").first(), median=(middle[0] + middle[1]) / 2)
