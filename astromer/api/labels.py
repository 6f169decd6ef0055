"""Labels of light curves in memory, matched to the stars by id."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from astromer.api.light_curves import as_polars, meant_column
from astromer.errors import InputError

UNLABELLED = -1
MIN_CLASSES = 2


def read_labels(labels: Any, ids: pl.Series, *, are_positions: bool = False) -> tuple[np.ndarray, tuple[str, ...]]:
    """Match labels to stars.

    Args:
        labels: a mapping from id to class; a pandas Series of classes whose index holds the ids; a table with the
            columns `id` and `class`; or a sequence with the class of each light curve, in their order. None or null is
            no label.
        ids: ids of the light curves.
        are_positions: the ids are positions in a list. The index of a pandas Series is then that of another table if
            it is not ascending, and is refused.

    Returns:
        int32 `(stars,)`, the position of each star's class among the classes, -1 without a label; and the classes as
        text, sorted.

    Raises:
        InputError: a labelled star has no light curve or two classes, there are fewer than two classes, or the index of
            a Series is refused.
    """
    table = _label_table(labels, ids)
    if are_positions and _is_series(labels) and not table["id"].is_sorted():
        raise InputError(
            "labels: the index of this Series is not ascending, and the ids of a list of light curves are positions; "
            "expected labels.to_numpy() where both are in the same order"
        )
    table = table.with_columns(pl.col("class").cast(pl.String)).drop_nulls("class").unique(maintain_order=True)
    if table["id"].is_duplicated().any():
        raise InputError(f"labels: star {table['id'].filter(table['id'].is_duplicated())[0]!r} has two classes")
    if table["id"].dtype.is_numeric() != ids.dtype.is_numeric():
        raise InputError(f"labels: their ids are {table['id'].dtype}, those of the light curves {ids.dtype}")
    table = table.with_columns(pl.col("id").cast(ids.dtype))
    absent = table["id"].filter(~table["id"].is_in(ids.implode()))
    if len(absent):
        raise InputError(f"labels: {len(absent)} stars have no light curve, such as {absent[0]!r}")
    classes = tuple(table["class"].unique().sort())
    if len(classes) < MIN_CLASSES:
        raise InputError(f"labels: the classes are {list(classes)}; expected at least {MIN_CLASSES}")
    codes = pl.col("class").replace_strict({name: code for code, name in enumerate(classes)}, return_dtype=pl.Int32)
    known = table.select("id", label=codes)
    matched = ids.alias("id").to_frame().join(known, on="id", how="left", maintain_order="left")
    return matched["label"].fill_null(UNLABELLED).to_numpy(), classes


def _is_series(labels: Any) -> bool:
    """Whether the labels are a Series of pandas."""
    return hasattr(labels, "to_dict") and hasattr(labels, "index") and not hasattr(labels, "columns")


def _label_table(labels: Any, ids: pl.Series) -> pl.DataFrame:
    """Return the columns `id` and `class`, one row per label."""
    if _is_series(labels):
        return _paired(list(labels.index), list(labels))
    if isinstance(labels, Mapping):
        return _paired(list(labels), list(labels.values()))
    if hasattr(labels, "columns") or hasattr(labels, "colnames"):
        table = as_polars(labels, "labels")
        if missing := min({"id", "class"}.difference(table.columns), default=None):
            meant = meant_column(missing, missing, table.columns)
            hint = f"; rename {meant!r} if it is meant" if meant else ""
            present = ", ".join(table.columns)
            raise InputError(f"labels: there is no column {missing!r}; the columns are {present}{hint}")
        is_float = table["class"].dtype.is_float()
        return table.select("id", pl.col("class").fill_nan(None) if is_float else "class")
    classes = list(labels)
    if len(classes) != len(ids):
        raise InputError(f"labels: there are {len(classes)} for {len(ids)} light curves; expected one for each")
    return _paired(ids, classes)


def _paired(ids: Any, classes: list[Any]) -> pl.DataFrame:
    names = [None if _is_missing(name) else str(name) for name in classes]  # text, because a list may mix kinds
    try:
        return pl.DataFrame({"id": ids, "class": pl.Series(names, dtype=pl.String)})
    except (TypeError, pl.exceptions.PolarsError) as error:
        raise InputError(f"labels: their ids are of several kinds: {error}") from error


def _is_missing(name: Any) -> bool:
    """Whether this is None or a missing value of pandas: NaN and NaT, which differ from themselves, or NA."""
    return name is None or type(name).__name__ == "NAType" or name != name  # noqa: PLR0124
