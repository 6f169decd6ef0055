"""Light curves in memory: tables of any library, dicts or lists of arrays, read into one form and checked."""

from collections.abc import Collection, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, NamedTuple

import narwhals as nw
import numpy as np
import polars as pl

from astromer.errors import InputError

COLUMNS = {"id": "id", "time": "mjd", "mag": "mag"}
"""What is read of a table, and the names of the columns unless others are given."""
BAND = "band"
"""What is also read of a table where its column is given."""

SYNONYMS = {
    "id": ("id", "oid", "object_id", "objectid", "source_id", "star_id", "star", "name", "object"),
    "time": ("mjd", "hjd", "bjd", "jd", "hmjd", "time", "t", "obsmjd", "obs_time", "date"),
    "mag": ("mag", "magnitude", "m", "psfmag", "mag_psf", "magpsf", "g_transit_mag"),
    "band": ("band", "filter", "filtercode", "fid", "passband", "filt"),
    "class": ("class", "type", "label", "vartype", "var_type", "target"),
}
MAX_SPAN_DAYS = 100_000  # longer than there are magnitudes of any star
KINDS = "a table (pandas, polars, pyarrow, astropy), a dict of arrays, or a list of arrays"


class Curves(NamedTuple):
    """Concatenated light curves, each sorted by time; a star has one in each of its bands, or one in all.

    Attributes:
        ids: the stars' ids.
        bands: band of each light curve; None if the table names none.
        stars: int32 `(light curves,)`, the position of each one's star among the ids, ascending.
        lengths: int32 `(light curves,)`.
        mjd: float64 `(observations,)`.
        mag: float32 `(observations,)`.
    """

    ids: pl.Series
    bands: pl.Series | None
    stars: np.ndarray
    lengths: np.ndarray
    mjd: np.ndarray
    mag: np.ndarray

    @property
    def star_lengths(self) -> np.ndarray:
        """Numbers of observations of the stars, int32 `(stars,)`."""
        return np.bincount(self.stars, self.lengths, len(self.ids)).astype(np.int32)

    def slice(self, first: int, last: int) -> "Curves":
        """Return the light curves of the stars from `first` to before `last`."""
        begin, end = np.searchsorted(self.stars, (first, last))
        points = slice(*(int(self.lengths[:place].sum()) for place in (begin, end)))
        bands = None if self.bands is None else self.bands[begin:end]
        stars = self.stars[begin:end] - first
        return Curves(self.ids[first:last], bands, stars, self.lengths[begin:end], self.mjd[points], self.mag[points])

    def only(self, chosen: np.ndarray) -> "Curves":
        """Return the light curves of the stars that are `chosen`, bool `(stars,)`."""
        curves = chosen[self.stars]
        points = np.repeat(curves, self.lengths)
        bands = None if self.bands is None else self.bands.filter(pl.Series(curves))
        stars = (np.cumsum(chosen, dtype=np.int32) - 1)[self.stars[curves]]
        ids = self.ids.filter(pl.Series(chosen))
        return Curves(ids, bands, stars, self.lengths[curves], self.mjd[points], self.mag[points])


def read_curves(light_curves: Any, columns: Mapping[str, str] | None = None) -> Curves:
    """Read light curves of any kind that `astromer.encode` takes; objects keep the order of their first appearance.

    Args:
        light_curves: see `astromer.encode`.
        columns: names of the columns `id`, `time` and `mag` of a table, where they differ from `COLUMNS`, and of
            `band`, where each band is a light curve of its star.

    Raises:
        InputError: the object is of no such kind, a column is missing or no number, a value is not finite, or there is
            no observation; the message names the star, the row or the column.
    """
    if is_sequence(light_curves):
        return _read_sequence(list(light_curves))
    names = _column_names(columns)
    frame = as_polars(light_curves, "light curves")
    for role, name in names.items():
        if name not in frame.columns:
            raise InputError(_missing_column(role, name, frame.columns))
    frame = frame.select(pl.col(name).alias(role) for role, name in names.items())
    if frame["time"].dtype.is_nested() != frame["mag"].dtype.is_nested():
        kinds = " and ".join(f"{names[role]!r} {_named_type(frame[role])}" for role in ("time", "mag"))
        raise InputError(f"light curves: the columns hold {kinds}; expected numbers in both, or lists in both")
    if frame["time"].dtype.is_nested():
        frame = _one_row_per_observation(frame)
    if BAND in names and frame[BAND].dtype.is_nested():
        raise InputError(f"light curves: column {names[BAND]!r} holds {_named_type(frame[BAND])}; expected one band")
    for role in ("time", "mag"):
        if not frame[role].dtype.is_numeric():
            raise InputError(f"light curves: column {names[role]!r} holds {_named_type(frame[role])}; expected numbers")
    return _group(frame)


def is_sequence(light_curves: Any) -> bool:
    """Whether the object is a list, or acts like one, and is neither a table nor text."""
    if isinstance(light_curves, Sequence | np.ndarray):
        return not isinstance(light_curves, str | bytes)
    of_tables = ("columns", "colnames", "keys", "collect", "__arrow_c_stream__", "__dataframe__")
    return isinstance(light_curves, Collection) and not any(hasattr(light_curves, name) for name in of_tables)


def as_polars(table: Any, what: str) -> pl.DataFrame:
    """Convert a table of pandas, polars, pyarrow, astropy or any library that narwhals knows, or a dict of arrays.

    Raises:
        InputError: it is none of these, or a column cannot be converted.
    """
    kind = f"{type(table).__module__.partition('.')[0]} {type(table).__name__}"
    try:
        if isinstance(table, pl.LazyFrame):
            return table.collect()
        if hasattr(table, "colnames"):  # astropy
            return pl.DataFrame({name: _plain_array(table[name]) for name in table.colnames})
        if isinstance(table, Mapping):
            return pl.DataFrame({name: _plain_array(column) for name, column in table.items()})
        wrapped = nw.from_native(table, eager_only=True, pass_through=True)
        if isinstance(wrapped, nw.DataFrame):
            return wrapped.to_polars()
        if hasattr(table, "__dataframe__"):
            return pl.from_dataframe(table)
    except (TypeError, ValueError, pl.exceptions.PolarsError) as error:  # pyarrow's errors are among these
        reason = str(error).partition("\n")[0]
        raise InputError(f"{what}: this {kind} cannot be read as a table: {reason}") from error
    raise InputError(f"{what}: found {kind}; expected {KINDS}")


def like(result: pl.DataFrame, given: Any) -> Any:
    """Return a table in the library of the given one: pandas, pyarrow, or else polars."""
    wrapped = nw.from_native(given, eager_only=True, pass_through=True)
    library = wrapped.implementation if isinstance(wrapped, nw.DataFrame) else nw.Implementation.POLARS
    if library.is_pandas():
        arrays = {name: list(column.to_numpy()) for name, column in _nested(result).items()}
        return result.to_pandas().assign(**arrays)
    return result.to_arrow() if library.is_pyarrow() else result


def _nested(table: pl.DataFrame) -> dict[str, pl.Series]:
    return {column.name: column for column in table.get_columns() if column.dtype.is_nested()}


def _plain_array(column: Any) -> np.ndarray | list[list[float]]:
    """Return a column as polars reads it: native byte order, text, NaN where masked; a list of lists if they differ."""
    if _is_ragged(column):
        return [np.asarray(row).tolist() for row in column]
    values = column.mjd if hasattr(column, "mjd") else column  # a column of astropy's Time
    values = np.ma.filled(values.astype(float), np.nan) if np.ma.is_masked(values) else np.asarray(values)
    values = np.char.decode(values) if values.dtype.kind == "S" else values
    return values.astype(values.dtype.newbyteorder("="))


def _is_ragged(column: Any) -> bool:
    """Whether a column holds a list or an array for each star."""
    is_plain = isinstance(column, list | tuple) or (isinstance(column, np.ndarray) and column.dtype == object)
    return is_plain and len(column) > 0 and all(isinstance(row, list | tuple | np.ndarray) for row in column)


def _column_names(columns: Mapping[str, str] | None) -> dict[str, str]:
    if unknown := set(columns or {}) - {*COLUMNS, BAND}:
        raise InputError(f"columns: unknown key {min(unknown)!r}; expected some of {', '.join((*COLUMNS, BAND))}")
    return {**COLUMNS, **(columns or {})}


def _missing_column(role: str, name: str, present: Sequence[str]) -> str:
    """Describe a missing column, with the one that is probably meant."""
    meant = meant_column(role, name, present)
    hint = f'; did you mean columns={{"{role}": "{meant}"}}?' if meant else ""
    return f"light curves: there is no column {name!r} for the {role}; the columns are {', '.join(present)}{hint}"


def meant_column(role: str, name: str, present: Sequence[str]) -> str | None:
    """Return the column that is probably meant by the name of a missing one, if there is any."""
    lower = {column.lower(): column for column in present}
    known = [lower[synonym] for synonym in SYNONYMS[role] if synonym in lower]
    return next(iter(known + [lower[match] for match in get_close_matches(name.lower(), lower, n=1)]), None)


def _named_type(column: pl.Series) -> str:
    """Name the type of a column that should hold numbers, with the first value that is none."""
    wrong = column.is_not_null()
    if column.dtype == pl.String:
        no_number = wrong & column.cast(pl.Float64, strict=False).is_null()
        wrong = no_number if no_number.any() else wrong
    such_as = f", such as {column.filter(wrong).first()!r} in row {wrong.arg_max()}" if wrong.any() else ""
    return f"{column.dtype}{such_as}"


def _one_row_per_observation(frame: pl.DataFrame) -> pl.DataFrame:
    """Unfold a table with one row per star, or per star and band, whose times and magnitudes are lists."""
    lists = [name for name in ("time", "mag", BAND) if name in frame.columns and frame[name].dtype.is_nested()]
    twice = frame.filter(frame.select(pl.exclude(*lists)).is_duplicated())
    if not twice.is_empty():
        raise InputError(f"light curves: id {twice['id'][0]!r} occurs in several rows; expected one row per star")
    try:
        return frame.explode(lists)
    except pl.exceptions.PolarsError as error:
        raise InputError(f"light curves: the lists of a star differ in length: {error}") from error


def _group(frame: pl.DataFrame) -> Curves:
    """Group the observations `id`, `time`, `mag` by star, and sort each by time."""
    if frame.is_empty():
        raise InputError("light curves: there are none; expected at least one observation")
    key = [name for name in ("id", BAND) if name in frame.columns]
    for name in key:
        if frame[name].null_count():
            raise InputError(f"light curves: row {frame[name].is_null().arg_max()} has no {name}")
    frame = frame.with_columns(pl.col("time").cast(pl.Float64), pl.col("mag").cast(pl.Float32))
    finite = pl.all_horizontal(pl.col("time", "mag").is_finite().fill_null(False))
    wrong = frame.select(~finite).to_series().to_numpy()
    if wrong.any():
        row = int(wrong.argmax())
        raise InputError(_not_finite(frame["id"][row], f" in row {row}", wrong.sum()))
    ordered = pl.col("time", "mag").sort_by("time", maintain_order=True)
    curves = frame.group_by(key, maintain_order=True).agg(pl.len().alias("length"), ordered)
    ids, stars = curves["id"], np.arange(len(curves), dtype=np.int32)
    if BAND in key:
        ids = ids.unique(maintain_order=True)
        numbers = pl.DataFrame({"id": ids}).with_row_index("star")
        curves = curves.join(numbers, on="id", how="left").sort("star", BAND)
        stars = curves["star"].to_numpy().astype(np.int32)
    points = (curves[name].explode().to_numpy() for name in ("time", "mag"))
    bands = curves[BAND] if BAND in key else None
    return _checked(Curves(ids, bands, stars, curves["length"].to_numpy().astype(np.int32), *points))


def _not_finite(star: object, where: str, number: int) -> str:
    return (
        f"light curve {star!r}: a time or magnitude is not finite{where}, as are {number} in all; "
        "expected observations without NaN, infinity and null"
    )


def _read_sequence(curves: Sequence[Any]) -> Curves:
    """Read arrays `(n, 2)` or `(n, 3)`, or objects with the attributes `time` and `mag`; ids are their positions."""
    if not len(curves):
        raise InputError("light curves: there are none; expected at least one")
    arrays = [_one_array(position, curve) for position, curve in enumerate(curves)]
    lengths = np.fromiter(map(len, arrays), np.int32, len(arrays))
    points = np.concatenate(arrays)
    ids, series = np.arange(len(arrays)), np.repeat(np.arange(len(arrays)), lengths)
    order = np.lexsort((points[:, 0], series))
    with np.errstate(over="ignore"):
        mjd, mag = points[order, 0], points[order, 1].astype(np.float32)
    wrong = ~(np.isfinite(mjd) & np.isfinite(mag))
    if wrong.any():
        raise InputError(_not_finite(int(series[wrong.argmax()]), "", wrong.sum()))
    return _checked(Curves(pl.Series("id", ids), None, ids.astype(np.int32), lengths, mjd, mag))


def _checked(curves: Curves) -> Curves:
    """Refuse times that cannot be days: the search for periods needs memory in proportion to their span."""
    lasts = np.cumsum(curves.lengths) - 1
    spans = curves.mjd[lasts] - curves.mjd[lasts - curves.lengths + 1]
    longest = int(spans.argmax())
    if spans[longest] > MAX_SPAN_DAYS:
        star = curves.ids[int(curves.stars[longest])]
        raise InputError(
            f"light curve {star!r}: its times span {spans[longest]:.6g} days; expected days, over at most "
            f"{MAX_SPAN_DAYS}, and no mark of a missing time"
        )
    return curves


def _one_array(position: int, curve: Any) -> np.ndarray:
    """Return times and magnitudes as float64 `(n, 2)`."""
    if hasattr(curve, "time") and hasattr(curve, "mag"):
        curve = np.column_stack([curve.time, curve.mag])
    elif hasattr(curve, "columns") or hasattr(curve, "colnames"):
        raise InputError(f"light curve {position}: is a table; expected an array, or one table of all stars with ids")
    try:
        values = np.asarray(curve, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"light curve {position}: holds what is no number: {error}") from error
    if values.ndim != 2 or values.shape[1] not in (2, 3) or not len(values):
        expected = "(n, 2) or (n, 3) with n >= 1: time, magnitude and its error"
        raise InputError(f"light curve {position}: its shape is {values.shape}; expected {expected}")
    return values[:, :2]
