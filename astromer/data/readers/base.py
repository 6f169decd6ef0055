"""What every reader of survey dumps yields."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import polars as pl

OBJECT_SCHEMA = {"id": pl.String, "class": pl.String, "band": pl.String, "ra": pl.Float64, "dec": pl.Float64}

# `line` counts from 1 within `file`; the numbers are null where the line could not be read, and `text` is that line.
RAW_SCHEMA = {
    "id": pl.String,
    "file": pl.String,
    "line": pl.UInt32,
    "mjd": pl.Float64,
    "mag": pl.Float32,
    "err_mag": pl.Float32,
    "text": pl.String,
}

JD_OF_MJD_ZERO = 2_400_000.5


@dataclass(frozen=True)
class RawBatch:
    """Some objects and some observations of a survey, as they stand in its dump.

    Attributes:
        objects: catalogue rows, columns of `OBJECT_SCHEMA`; not necessarily the objects of `observations`.
        observations: columns of `RAW_SCHEMA`, times in MJD.
    """

    objects: pl.DataFrame
    observations: pl.DataFrame

    @classmethod
    def of(cls, objects: pl.DataFrame | None = None, observations: pl.DataFrame | None = None) -> "RawBatch":
        """Make a batch from tables with at least the columns of the schemas; either may be left out."""
        return cls(conform(objects, OBJECT_SCHEMA), conform(observations, RAW_SCHEMA))


@dataclass(frozen=True)
class Reader:
    """A format of survey dumps.

    Attributes:
        read: turns one part of a dump into raw tables; `astromer.data.ingest` does the rest, alike for all formats.
            Called as `read(survey, *, name, source, seed, part, parts)` with the survey's section of the configuration
            and the file or folder of its dump. The parts `0 .. parts - 1` together give each observation and each
            catalogue row once.
        one_file_per_object: a second file of the same object is then a mistake of the dump.
    """

    read: Callable[..., Iterator[RawBatch]]
    one_file_per_object: bool


def conform(table: pl.DataFrame | None, schema: dict) -> pl.DataFrame:
    """Select and cast the columns of `schema`; no table gives an empty one."""
    if table is None:
        return pl.DataFrame(schema=schema)
    return table.select(pl.col(column).cast(dtype) for column, dtype in schema.items())
