"""Read tables of observations in pieces of whole objects."""

from collections.abc import Iterable, Iterator

import polars as pl

from astromer.errors import InputError


def light_curve_key(columns: Iterable[str]) -> list[str]:
    """Return which columns of a table of observations tell its light curves apart: the id and, if present, the band."""
    return ["id", "band"] if "band" in columns else ["id"]


def light_curve_spans(observations: pl.DataFrame) -> pl.DataFrame:
    """List the light curves of a table of observations whose rows are sorted by id and, if there is one, band.

    Returns:
        One row per light curve: `id`, `band` if the table has it, `first` (its first row), `length` (number of rows),
        and `offset`, the number of observations of the same object before it: 0 unless the object has several bands.
    """
    key = light_curve_key(observations.columns)
    runs = observations.select(pl.struct(key).rle().alias("run")).unnest("run").unnest("value")
    spans = runs.rename({"len": "length"}).with_columns(first=pl.col("length").cum_sum() - pl.col("length"))
    return spans.with_columns(offset=pl.col("first") - pl.col("first").first().over("id"))


def whole_objects(observations: pl.LazyFrame, rows_at_once: int) -> Iterator[pl.DataFrame]:
    """Yield observations in pieces of whole objects, so that memory does not grow with the table.

    Args:
        observations: `id`, `mjd` [days], `mag`, `err_mag` and perhaps `band`, all rows of an object together.
        rows_at_once: rows of a piece; a longer light curve is a piece of its own.

    Raises:
        InputError: the observations are not sorted by id.
    """
    observations = observations.select(*light_curve_key(observations.collect_schema()), "mjd", "mag", "err_mag")
    waiting = observations.head(0).collect()
    for first in range(0, observations.select(pl.len()).collect().item(), rows_at_once):
        rows = pl.concat([waiting, observations.slice(first, rows_at_once).collect()])
        if not rows["id"].is_sorted():
            raise InputError("the observations are not sorted by id; expected all of an object together")
        is_last = rows["id"] == rows["id"][-1]
        waiting = rows.filter(is_last)
        if not is_last.all():
            yield rows.filter(~is_last)
    if not waiting.is_empty():
        yield waiting
