"""Tables that every reader of survey dumps yields, and functions that several readers share."""

import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import reduce
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, cast

import polars as pl
from pydantic import AfterValidator, Field

from astromer.config.section import Section
from astromer.errors import InputError
from astromer.surveys.losses import LOSS_SCHEMA, Report, ignore
from astromer.surveys.sources import check_utf8, open_members

# `file` is the file inside the dump that holds the row, and `rows` the number of observations that state it: null for a
# row that describes the object by itself, as that of a catalogue does.
OBJECT_SCHEMA = {
    "id": pl.String,
    "file": pl.String,
    "class": pl.String,
    "band": pl.String,
    "ra": pl.Float64,
    "dec": pl.Float64,
    "rows": pl.UInt32,
}

# `line` counts from 1 within `file`. A number is NaN if the dump marks the value as missing. All three are null if the
# line could not be read; `text` is then that line, or the readable part of it, cut where it is long. Where each
# band of an object is a light curve, there is a further column, `band`.
RAW_SCHEMA = {
    "id": pl.Categorical,
    "file": pl.Categorical,
    "line": pl.UInt32,
    "mjd": pl.Float64,
    "mag": pl.Float32,
    "err_mag": pl.Float32,
    "text": pl.String,
}

MAX_TEXT = 200  # characters of an unreadable line that are kept

NUMBERS = ["time", "mag", "err_mag"]  # an observation as written in the dump, before its time is converted to MJD

JD_OF_MJD_ZERO = 2_400_000.5


class OriginRule(Section):
    """An origin of time, for surveys that mix several."""

    below: float | None = Field(None, description="Times below this [days] are of this origin; the last rule has none.")
    jd: float = Field(description="Julian date of time zero [days].")


def _in_order_and_last_general(rules: list[OriginRule]) -> list[OriginRule]:
    if not rules or any((rule.below is None) != (rule is rules[-1]) for rule in rules):
        raise ValueError("expected at least one rule, and a `below` in each but the last")
    bounds = [rule.below for rule in rules if rule.below is not None]
    if any(low >= high for low, high in pairwise(bounds)):
        raise ValueError("expected rules whose `below` increase, because the first one that applies is used")
    return rules


TimeOrigin = float | Annotated[list[OriginRule], AfterValidator(_in_order_and_last_general)]
TIME_ORIGIN = (
    "Julian date of time zero [days]: 2400000.5 where times are MJD already, 0 where they are JD. A survey that mixes "
    "origins has a list of rules. The first rule whose `below` exceeds the object's median time applies (in tables of "
    "all objects, the time of the row itself); the last rule is for the rest and has no `below`."
)


@dataclass(frozen=True)
class RawBatch:
    """Some objects and some observations of a survey, unfiltered.

    Attributes:
        objects: rows on objects, columns of `OBJECT_SCHEMA`; not necessarily on the objects of `observations`.
        observations: columns of `RAW_SCHEMA`, times in MJD.
        losses: what the reader found and did not pass on, columns of `LOSS_SCHEMA`.
    """

    objects: pl.DataFrame
    observations: pl.DataFrame
    losses: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=LOSS_SCHEMA))

    @classmethod
    def of(
        cls,
        objects: pl.DataFrame | None = None,
        observations: pl.DataFrame | None = None,
        losses: pl.DataFrame | None = None,
    ) -> "RawBatch":
        """Make a batch from tables with the columns of the schemas.

        Any table may be left out and is then empty. Of the objects, only the column `id` is required; the others are
        null if they are absent.
        """
        if objects is not None:
            absent = OBJECT_SCHEMA.keys() - {"id", *objects.columns}
            objects = objects.with_columns(pl.lit(None).alias(column) for column in absent)
        has_bands = observations is not None and "band" in observations.columns
        rows = conform(observations, raw_schema(each_band=has_bands))
        if rows["text"].null_count() < rows.height:
            rows = rows.with_columns(shortened("text"))
        return cls(conform(objects, OBJECT_SCHEMA), rows, conform(losses, LOSS_SCHEMA))


def raw_schema(*, each_band: bool) -> dict:
    """Return the columns of observations: `RAW_SCHEMA`, and `band` where each band is a light curve of its object."""
    return RAW_SCHEMA | ({"band": pl.Categorical} if each_band else {})


def shard_of(object_id: str, shards: int) -> int:
    """Assign an object to one of `shards` shards, the same on every machine and in every order."""
    return zlib.crc32(object_id.encode()) % shards


def shortened(column: str) -> pl.Expr:
    """Return an expression for a column of texts that cuts long ones."""
    text = pl.col(column)
    return pl.when(text.str.len_chars() > MAX_TEXT).then(text.str.head(MAX_TEXT) + " ...").otherwise(text).name.keep()


def conform(table: pl.DataFrame | None, schema: dict) -> pl.DataFrame:
    """Select and cast the columns of `schema`; None gives an empty table."""
    if table is None:
        return pl.DataFrame(schema=schema)
    return table.select(pl.col(column).cast(dtype) for column, dtype in schema.items())


def from_arrow(table: Any) -> pl.DataFrame:
    """Convert an Arrow table or record batch (`pl.from_arrow` also takes arrays, so that its return type is wider)."""
    return cast(pl.DataFrame, pl.from_arrow(table))


def _has_one_id(pattern: str) -> str:
    if pattern.count("{id}") > 1:
        raise ValueError("holds `{id}` more than once; expected it in one place")
    return pattern


PathPattern = Annotated[str, AfterValidator(_has_one_id)]  # see `matcher`

_WILDCARDS = {"**/": "(?:.*/)?", "*": "[^/]*", "{id}": "(?P<id>[^/]+)"}


def matcher(pattern: str) -> Callable[[str], re.Match | None]:
    """Compile a path pattern: `*` is any text without `/`, `**/` zero or more folders, and `{id}` the group `id`."""
    tokens = re.split(r"(\*\*/|\*|\{id\})", pattern)
    return re.compile("".join(_WILDCARDS.get(token, re.escape(token)) for token in tokens)).fullmatch


def members_of_part(
    source: Path,
    pattern: str,
    part: int,
    parts: int,
    *,
    other_than: str | None = None,
    members: Callable[..., Iterator[tuple]] = open_members,
    lost: Report = ignore,
) -> Iterator[tuple]:
    """Yield the files of one part: those inside `source` whose path matches and that belong to the part.

    Args:
        source: as for `open_members`.
        pattern: as for `matcher`. If it contains `{id}`, a file belongs to the shard of its object (`shard_of`);
            otherwise a part has every `parts`-th file.
        part: index of the part, from 0.
        parts: number of parts.
        other_than: name of a file to skip.
        members: function that lists the files, `open_members` or `iter_members`.
        lost: function that is told, for part 0, what the source contains besides files: `Losses.add`.

    Raises:
        InputError: no file matches, or the name of one is not UTF-8.
    """
    matches, by_object, count = matcher(pattern), "{id}" in pattern, 0

    def wanted(name: str) -> bool:
        nonlocal count
        found = matches(name)
        if not found or name == other_than:
            return False
        check_utf8(source, name)
        count += 1
        return (shard_of(found["id"], parts) if by_object else (count - 1) % parts) == part

    yield from members(source, wanted, lost=lost if part == 0 else ignore)
    if count == 0:
        raise InputError(f"{source}: no file matches {pattern!r}")


def to_mjd(time: pl.Expr, origin: TimeOrigin, judged_by: pl.Expr | None = None) -> pl.Expr:
    """Convert times [days] to MJD.

    Args:
        time: times counted from `origin`.
        origin: Julian date of time zero; for surveys that mix origins, a list of rules, of which the first with
            `judged_by < below` applies.
        judged_by: value that the rules compare with `below`; by default the time itself.
    """
    if not isinstance(origin, list):
        return time - (JD_OF_MJD_ZERO - origin)
    judged_by = time if judged_by is None else judged_by
    *special, general = origin
    jd = reduce(
        lambda otherwise, rule: pl.when(judged_by < rule.below).then(pl.lit(rule.jd)).otherwise(otherwise),
        reversed(special),
        pl.lit(general.jd),
    )
    return time - (JD_OF_MJD_ZERO - jd)


def relabel(labels: dict[str, str]) -> pl.Expr:
    """Return an expression that renames the classes which are keys of `labels`."""
    return pl.col("class").replace(labels)


def mark_missing(marks: list[float]) -> list[pl.Expr]:
    """Return expressions that replace magnitudes and errors equal to one of `marks` by NaN."""
    if not marks:
        return []
    floats = pl.Series([float(mark) for mark in marks], dtype=pl.Float32)  # the precision of the compared columns
    numbers = (pl.col(name).cast(pl.Float32) for name in ("mag", "err_mag"))
    return [pl.when(number.is_in(floats)).then(float("nan")).otherwise(number).name.keep() for number in numbers]


def only_whole(rows: pl.DataFrame) -> pl.DataFrame:
    """Convert the columns `NUMBERS` from text to numbers.

    In a row where one of them is not a number, all three become null and `text` is kept; elsewhere `text` becomes null.
    """
    rows = rows.with_columns(pl.col(NUMBERS).cast(pl.Float64, strict=False))
    whole = pl.all_horizontal(pl.col(NUMBERS).is_not_null())
    return rows.with_columns(
        *(pl.when(whole).then(number).alias(number) for number in NUMBERS), text=pl.when(~whole).then("text")
    )


def valid_utf8(text: bytes) -> bytes:
    """Return the text as valid UTF-8; other bytes become escapes, so that different bytes stay different."""
    try:
        text.decode()
    except UnicodeDecodeError:
        return text.decode(errors="backslashreplace").encode()
    return text


def check_types(schema: pl.Schema, columns: Iterable[str], where: str) -> None:
    """Check that the columns are numbers or text.

    Raises:
        InputError: one is of another type, such as a list.
    """
    for name in columns:
        dtype = schema[name]
        if dtype.is_nested() or dtype in (pl.Binary, pl.Object):
            raise InputError(f"{where}: column {name!r} holds {dtype}, expected numbers or text")


def check_one_band(bands: pl.Series, where: str) -> None:
    """Check that there is one band, because the configuration chooses none.

    Raises:
        InputError: there are several.
    """
    found = bands.unique().drop_nulls().sort().to_list()
    if len(found) > 1:
        raise InputError(
            f"{where}: there are several bands, {', '.join(found)}; the key `bands` must name those kept, or be `each`"
        )


def with_positions(objects: pl.DataFrame, where: str) -> pl.DataFrame:
    """Convert the columns `ra` and `dec` to numbers [deg]; a blank or NaN is an unknown position, null.

    Raises:
        InputError: a position is no number on the sky.
    """
    for axis, low, high in (("ra", 0, 360), ("dec", -90, 90)):
        given = pl.col(axis).cast(pl.String).str.strip_chars()
        value = given.cast(pl.Float64, strict=False)
        unknown = (given == "") | value.is_nan().fill_null(False)
        wrong = objects.filter(~unknown & ~value.is_between(low, high).fill_null(False))
        if not wrong.is_empty():
            first = wrong.row(0, named=True)
            raise InputError(
                f"{where}: {axis} of object {first['id']} is {first[axis]!r}, expected {low} to {high} deg"
            )
        objects = objects.with_columns(pl.when(~unknown).then(value).alias(axis))
    return objects
