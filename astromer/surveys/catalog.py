"""Catalogues: tables of objects inside a dump or beside it."""

import csv
import io
from pathlib import Path
from typing import Self

import polars as pl
import pyarrow as pa
import pyarrow.csv as arrow_csv
from pydantic import Field, model_validator

from astromer.config.section import Positive, Section
from astromer.config.surveys import Options
from astromer.errors import InputError
from astromer.surveys.reading import (
    MAX_TEXT,
    OBJECT_SCHEMA,
    check_types,
    conform,
    from_arrow,
    relabel,
    valid_utf8,
    with_positions,
)
from astromer.surveys.sources import read_member, unix_lines

MAX_BLOCK_BYTES = 2**31 - 1  # of a CSV, that pyarrow takes at once


class CatalogColumns(Section):
    """Names of the catalogue's columns."""

    id: str = Field("ID", description="Identifier of the object.")
    class_: str | None = Field("Class", alias="class", description="Class label.")
    ra: str | None = Field(None, description="Right ascension [deg, J2000].")
    dec: str | None = Field(None, description="Declination [deg, J2000].")


def check_position(ra: str | None, dec: str | None, where: str) -> None:
    """Raise an error if only one of the columns of a position is named."""
    if (ra is None) != (dec is None):
        raise ValueError(f"expected both `{where}.ra` and `{where}.dec`, or neither")


class CatalogOptions(Options):
    """Options of the formats that may have a catalogue."""

    catalog: str | None = Field(
        None,
        description="A table of objects (CSV with a header, or Parquet) inside the source, or beside it as "
        "`../<name>`.",
    )
    catalog_columns: CatalogColumns = Field(CatalogColumns(), description="Names of the catalogue's columns.")
    position_from_id: bool = Field(
        False,
        description="Take the position from an id such as `174259-3517.7` (hhmmss, then ddmm.m) instead of columns.",
    )
    labels: dict[str, str] = Field(
        {}, description="Our names for the dump's class names; a class without an entry keeps its name."
    )
    max_file_mb: Positive = Field(
        256, description="Largest file that is read as a whole, such as the catalogue [MB, decompressed]."
    )

    @model_validator(mode="after")
    def _positions_have_a_source(self) -> Self:
        if self.position_from_id and self.catalog is None:
            raise ValueError("`position_from_id` reads the ids of a catalogue; expected `catalog`")
        check_position(self.catalog_columns.ra, self.catalog_columns.dec, "catalog_columns")
        return self


def read_catalog(source: Path, options: CatalogOptions) -> pl.DataFrame:
    """Read a dump's catalogue (CSV with a header, or Parquet) into the columns of `OBJECT_SCHEMA`, labels renamed.

    Columns that are not configured are null. `options.catalog` must be given.
    """
    if options.catalog is None:
        raise ValueError("the options name no catalogue")
    where = f"{source}, {options.catalog}"
    columns = options.catalog_columns.plain()
    columns = {ours: theirs for ours, theirs in columns.items() if theirs is not None}
    content = read_member(source, options.catalog, max_mb=options.max_file_mb)
    raw = _read_table(content, columns, where)
    check_types(raw.schema, columns.values(), where)
    for ours in ("id", "class"):
        if ours in columns and raw.schema[columns[ours]].is_float():
            raise InputError(f"{where}: column {columns[ours]!r} has floating point numbers, expected text or integers")
    catalog = raw.select(
        pl.col(theirs).cast(pl.String).str.strip_chars().alias(ours) for ours, theirs in columns.items()
    )
    without_id = catalog.select(pl.col("id").fill_null("") == "").to_series().to_numpy()
    if without_id.any():
        raise InputError(f"{where}: row {without_id.argmax() + 1} has no {columns['id']}")
    if options.position_from_id:
        catalog = catalog.with_columns(position_from_id("id", where))
    absent = OBJECT_SCHEMA.keys() - {"file", *catalog.columns}
    catalog = with_positions(
        catalog.with_columns(*(pl.lit(None, pl.String).alias(name) for name in absent), file=pl.lit(options.catalog)),
        where,
    )
    blank = pl.col("class", "band").replace("", None)
    return conform(catalog.with_columns(blank).with_columns(relabel(options.labels)), OBJECT_SCHEMA)


def _read_table(content: bytes, columns: dict[str, str], where: str) -> pl.DataFrame:
    """Read the columns that are values of `columns`; those of a CSV as text."""
    try:
        if content.startswith(b"PAR1"):
            raw = pl.read_parquet(content)
            _check_names(raw.columns, columns, where)
            return raw.select(*dict.fromkeys(columns.values()))
        return _read_csv(valid_utf8(unix_lines(content)).removeprefix(b"\xef\xbb\xbf"), columns, where)
    except (pl.exceptions.PolarsError, pa.ArrowException) as error:
        raise InputError(f"{where}: not a CSV table with a header, nor Parquet ({str(error)[:MAX_TEXT]})") from error


def _read_csv(content: bytes, columns: dict[str, str], where: str) -> pl.DataFrame:
    """Read a table of which every row has all fields, so that none is lost."""
    header = content.partition(b"\n")[0].decode()
    names = next(csv.reader(io.StringIO(header)), [])
    if not header.strip():
        raise InputError(f"{where}: not a CSV table with a header (its first line is blank)")
    _check_names(names, columns, where)

    wanted = list(dict.fromkeys(columns.values()))
    table = arrow_csv.read_csv(
        pa.BufferReader(content if content.endswith(b"\n") else content + b"\n"),
        arrow_csv.ReadOptions(
            column_names=names, skip_rows=1, use_threads=False, block_size=min(max(len(content), 1), MAX_BLOCK_BYTES)
        ),
        arrow_csv.ParseOptions(newlines_in_values=True),
        arrow_csv.ConvertOptions(
            column_types=dict.fromkeys(wanted, pa.string()), include_columns=wanted, strings_can_be_null=False
        ),
    )
    return from_arrow(table)


def _check_names(names: list[str], columns: dict[str, str], where: str) -> None:
    for ours, theirs in columns.items():
        if names.count(theirs) != 1:
            found = "no" if theirs not in names else "more than one"
            raise InputError(
                f"{where}: {found} column {theirs!r} (configured as catalog_columns.{ours}); it has {', '.join(names)}"
            )


def position_from_id(column: str, where: str) -> list[pl.Expr]:
    """Return expressions for `ra` and `dec` [deg, J2000] from ids such as `174259-3517.7` (hhmmss, then ddmm.m)."""
    fields = pl.col(column).str.extract_groups(
        r"^([01]\d|2[0-3])([0-5]\d|60)([0-5]\d|60)([+-])([0-8]\d)([0-5]\d\.\d|60\.0)"
    )
    hours, minutes, seconds, sign, degrees, arcmin = (fields.struct.field(str(i)) for i in range(1, 7))
    ra = 15 * (hours.cast(pl.Float64) + minutes.cast(pl.Float64) / 60 + seconds.cast(pl.Float64) / 3600)
    dec = degrees.cast(pl.Float64) + arcmin.cast(pl.Float64) / 60
    return [ra.alias("ra"), pl.when(sign == "-").then(-dec).otherwise(dec).alias("dec")]
