"""Convert fluxes, quality flags and list columns of tables to observations."""

import logging
from collections.abc import Iterable, Iterator, Mapping

import numpy as np
import polars as pl
import pyarrow as pa

from astromer.surveys.losses import MAX_EXAMPLES, Report

UNKNOWN_ERR_MAG = 0.1
UNKNOWN_ERR_MAG_DESCRIPTION = (
    "Error of every observation where the dump gives none [mag]. Encoders do not see it; a loss that is weighted by "
    "errors then weights all points alike, and features that use errors say little."
)
logger = logging.getLogger(__name__)

MAG_PER_RELATIVE_FLUX = 2.5 / np.log(10)  # magnitude error per relative error of the flux


def note_unknown_errors(err_mag: float) -> None:
    """Write to the log that no column gives errors, and what follows from it."""
    logger.info("no column of errors: every one is %g mag, so that a weighted loss weights all points alike", err_mag)


def lose(rows: pl.DataFrame, rejected: pl.Expr, rule: str, lost: Report) -> pl.DataFrame:
    """Return the rows that are not rejected; report the others, with the first as examples.

    Args:
        rows: id, file, line and text among their columns.
        rejected: condition; null counts as not rejected.
        rule: name of the rule that rejects.
        lost: see `astromer.surveys.losses.Losses.add`.
    """
    is_rejected = rejected.fill_null(False)
    others = rows.filter(is_rejected)
    for row in others.head(MAX_EXAMPLES).iter_rows(named=True):
        lost("observation", rule, **{name: row[name] for name in ("id", "file", "line", "text")})
    lost("observation", rule, max(0, others.height - MAX_EXAMPLES))
    return rows.filter(~is_rejected)


def is_flagged(flag: pl.Expr, bad: int | list[str]) -> pl.Expr:
    """Return the condition that a quality flag rejects its row.

    Args:
        flag: text, null where it is blank.
        bad: bits, any of which rejects, as does a flag that is no number; or values that reject, in any case and, if
            they are numbers, in any notation.
    """
    number = flag.cast(pl.Float64, strict=False)
    if isinstance(bad, int):
        whole = flag.cast(pl.Int64, strict=False)  # a float loses the lowest bits of large numbers
        return (pl.coalesce(whole, number.cast(pl.Int64, strict=False)) & bad != 0).fill_null(True)
    values = pl.Series([value.lower() for value in bad], dtype=pl.String)
    numbers = values.cast(pl.Float64, strict=False).drop_nulls()
    return flag.str.to_lowercase().is_in(values.implode()) | number.is_in(numbers.implode()).fill_null(False)


def fluxes_to_magnitudes(rows: pl.DataFrame, zero_point: float, lost: Report, *, has_errors: bool) -> pl.DataFrame:
    """Convert fluxes to magnitudes; report and leave out those that are not positive.

    Args:
        rows: id, file, line, text, `mag` (flux) and `err_mag` (its error), null or NaN where missing.
        zero_point: magnitude of flux 1.
        lost: see `lose`.
        has_errors: whether `err_mag` is the error of the flux; otherwise it is one in magnitudes already.
    """
    flux = pl.col("mag").cast(pl.Float64)
    rows = lose(rows, flux <= 0, "flux not positive", lost)
    error = pl.col("err_mag").cast(pl.Float64)
    return rows.with_columns(
        mag=zero_point - 2.5 * flux.log10(), err_mag=MAG_PER_RELATIVE_FLUX * error / flux if has_errors else error
    )


def leaf_names(schema: pa.Schema) -> Iterator[str]:
    """Yield the names of a table's columns; those in a struct, or in a list of structs, as `column.field`."""
    for column in schema:
        inner = column.type.value_type if _is_list(column.type) else column.type
        fields = [inner.field(number).name for number in range(inner.num_fields)] if pa.types.is_struct(inner) else []
        yield from (f"{column.name}.{name}" for name in fields)
        if not fields:
            yield column.name


def whole_columns(schema: pa.Schema, names: Iterable[str]) -> list[str]:
    """Return the columns of a table that hold these names (see `leaf_names`)."""
    return list(dict.fromkeys(name if name in schema.names else name.partition(".")[0] for name in names))


def has_lists(schema: pa.Schema) -> bool:
    """Return whether a row of the table holds lists: it is then an object, not an observation."""
    inner = [
        field.type for column in schema for field in (column.type if pa.types.is_struct(column.type) else [column])
    ]
    return any(map(_is_list, inner))


def without_lists(rows: pl.DataFrame, keys: Mapping[str, str], first: int) -> pl.DataFrame:
    """Return one row per element of the lists in a row; columns without lists are repeated.

    Args:
        rows: rows with or without lists; one whose lists are empty becomes one row with nulls.
        keys: names of the columns to return (see `leaf_names`), and what to call them.
        first: number of the first row; `line` is that of each row.
    """
    leaves = rows.select(_leaf(name, rows.schema).alias(key) for name, key in keys.items())
    lists = [name for name, dtype in leaves.schema.items() if isinstance(dtype, pl.List)]
    leaves = leaves.with_row_index("line", first)
    return leaves.explode(lists) if lists else leaves


def _leaf(name: str, schema: pl.Schema) -> pl.Expr:
    column, _, field = name.partition(".")
    if name in schema:
        return pl.col(name)
    if isinstance(schema[column], pl.List):
        return pl.col(column).list.eval(pl.element().struct.field(field))
    return pl.col(column).struct.field(field)


def _is_list(kind: pa.DataType) -> bool:
    return pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
