"""What every reader of survey dumps yields, and what several of them need."""

import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import reduce
from pathlib import Path

import polars as pl

from astromer.data.sources import open_members
from astromer.errors import InputError

# `file` is where the row stands.
OBJECT_SCHEMA = {
    "id": pl.String,
    "file": pl.String,
    "class": pl.String,
    "band": pl.String,
    "ra": pl.Float64,
    "dec": pl.Float64,
}

# `line` counts from 1 within `file`. The numbers are NaN where the dump marks a value as missing; they are null where
# the line could not be read, and `text` is then that line, or what could be read of it.
RAW_SCHEMA = {
    "id": pl.Categorical,
    "file": pl.Categorical,
    "line": pl.UInt32,
    "mjd": pl.Float64,
    "mag": pl.Float32,
    "err_mag": pl.Float32,
    "text": pl.String,
}

NUMBERS = ["time", "mag", "err_mag"]  # of an observation, as the dump has them

JD_OF_MJD_ZERO = 2_400_000.5


@dataclass(frozen=True)
class RawBatch:
    """Some objects and some observations of a survey, as they stand in its dump.

    Attributes:
        objects: what is known of objects, columns of `OBJECT_SCHEMA`; not necessarily the objects of `observations`.
        observations: columns of `RAW_SCHEMA`, times in MJD.
    """

    objects: pl.DataFrame
    observations: pl.DataFrame

    @classmethod
    def of(cls, objects: pl.DataFrame | None = None, observations: pl.DataFrame | None = None) -> "RawBatch":
        """Make a batch from tables with the columns of the schemas.

        Either table may be left out, and any column of the objects but the id; these are then null.
        """
        if objects is not None:
            absent = OBJECT_SCHEMA.keys() - {"id", *objects.columns}
            objects = objects.with_columns(pl.lit(None).alias(column) for column in absent)
        return cls(conform(objects, OBJECT_SCHEMA), conform(observations, RAW_SCHEMA))


@dataclass(frozen=True)
class Reader:
    """A format of survey dumps.

    Attributes:
        read: turns one part of a dump into raw tables; `astromer.data.ingest` does the rest, alike for all formats.
            Called as `read(survey, *, name, source, seed, part, parts)` with the survey's section of the configuration
            and the file or folder of its dump. The parts `0 .. parts - 1` together give each observation and each
            catalogue row once.
        one_file_per_object: a second file of the same object is then a mistake of the dump, as is a second row about
            it. Otherwise any number of files and rows may tell of an object, if they do not contradict each other.
        scattered: any part may tell of any object, so that the rows have to be sorted into shards once all parts are
            read. Otherwise each part tells all of its objects, and is a shard.
    """

    read: Callable[..., Iterator[RawBatch]]
    one_file_per_object: bool
    scattered: bool


def shard_of(object_id: str, shards: int) -> int:
    """Assign an object to one of `shards` shards, the same on every machine and in every order."""
    return zlib.crc32(object_id.encode()) % shards


def conform(table: pl.DataFrame | None, schema: dict) -> pl.DataFrame:
    """Select and cast the columns of `schema`; no table gives an empty one."""
    if table is None:
        return pl.DataFrame(schema=schema)
    return table.select(pl.col(column).cast(dtype) for column, dtype in schema.items())


_WILDCARDS = {"**/": "(?:.*/)?", "*": "[^/]*", "{id}": "(?P<id>[^/]+)"}


def matcher(pattern: str) -> Callable[[str], re.Match | None]:
    """Compile a path pattern: `*` is any text without `/`, `**/` any folders or none, and `{id}` the group `id`."""
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
) -> Iterator[tuple]:
    """Yield the files of one part among those inside `source` whose path matches.

    Args:
        source: as for `open_members`.
        pattern: as for `matcher`. With an `{id}` in it the objects decide which files a part has (`shard_of`), without
            one it has every `parts`-th file.
        part: which part, from 0.
        parts: number of parts.
        other_than: a file that is not looked at.
        members: gives the files, `open_members` or `iter_members`.

    Raises:
        InputError: no file matches.
    """
    matches, by_object, count = matcher(pattern), "{id}" in pattern, 0

    def wanted(name: str) -> bool:
        nonlocal count
        found = matches(name)
        if not found or name == other_than:
            return False
        count += 1
        return (shard_of(found["id"], parts) if by_object else (count - 1) % parts) == part

    yield from members(source, wanted)
    if count == 0:
        raise InputError(f"{source}: no file matches {pattern!r}")


def to_mjd(time: pl.Expr, origin: float | list[dict], judged_by: pl.Expr | None = None) -> pl.Expr:
    """Turn times [days] into MJD.

    Args:
        time: counted from `origin`.
        origin: Julian date of time zero; or, for surveys that mix origins, rules `{below: x, jd: y}`, of which the
            first with `judged_by < x` holds; the last one has no `below`.
        judged_by: what the rules look at, the time itself if not given.
    """
    if not isinstance(origin, list):
        return time - (JD_OF_MJD_ZERO - origin)
    *special, general = origin
    if "below" in general or not all("below" in rule for rule in special):
        raise InputError("time_origin_jd: expected a `below` in each rule but the last")
    judged_by = time if judged_by is None else judged_by
    jd = reduce(
        lambda otherwise, rule: pl.when(judged_by < rule["below"]).then(pl.lit(rule["jd"])).otherwise(otherwise),
        reversed(special),
        pl.lit(general["jd"]),
    )
    return time - (JD_OF_MJD_ZERO - jd)


def relabel(labels: dict[str, str]) -> pl.Expr:
    """Expression that renames the classes which are keys of `labels`."""
    return pl.col("class").replace(labels)


def mark_missing(marks: list[float]) -> list[pl.Expr]:
    """Expressions that turn the magnitudes and errors equal to one of `marks` into NaN."""
    if not marks:
        return []
    floats = pl.Series([float(mark) for mark in marks], dtype=pl.Float32)  # the precision of what is compared with them
    numbers = (pl.col(name).cast(pl.Float32) for name in ("mag", "err_mag"))
    return [pl.when(number.is_in(floats)).then(float("nan")).otherwise(number).name.keep() for number in numbers]


def only_whole(rows: pl.DataFrame) -> pl.DataFrame:
    """Turn the columns `NUMBERS` from text into numbers, or all three into null where one is not; keep `text` there."""
    rows = rows.with_columns(pl.col(NUMBERS).cast(pl.Float64, strict=False))
    whole = pl.all_horizontal(pl.col(NUMBERS).is_not_null())
    return rows.with_columns(
        *(pl.when(whole).then(number).alias(number) for number in NUMBERS), text=pl.when(~whole).then("text")
    )


def check_positions(objects: pl.DataFrame, where: str) -> None:
    """Raise where a position is given but is not a number on the sky [deg]."""
    for axis, low, high in (("ra", 0, 360), ("dec", -90, 90)):
        value = pl.col(axis).cast(pl.Float64, strict=False)
        wrong = objects.filter(pl.col(axis).is_not_null() & ~value.is_between(low, high).fill_null(False))
        if not wrong.is_empty():
            first = wrong.row(0, named=True)
            raise InputError(
                f"{where}: {axis} of object {first['id']} is {first[axis]!r}, expected {low} to {high} deg"
            )
