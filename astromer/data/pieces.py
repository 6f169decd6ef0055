"""Read tables of observations in pieces of whole objects."""

from collections.abc import Iterator

import polars as pl

from astromer.errors import InputError


def whole_objects(observations: pl.LazyFrame, rows_at_once: int) -> Iterator[pl.DataFrame]:
    """Yield observations in pieces of whole objects, so that memory does not grow with the table.

    Args:
        observations: `id`, `mjd` [days], `mag` and `err_mag`, all rows of an object together.
        rows_at_once: rows of a piece; a longer light curve is a piece of its own.

    Raises:
        InputError: the observations are not sorted by id.
    """
    observations = observations.select("id", "mjd", "mag", "err_mag")
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
