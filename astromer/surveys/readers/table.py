"""Reader of long tables: one row per observation, with a column that names the object."""

import csv
from collections.abc import Callable, Iterator
from itertools import cycle
from pathlib import Path
from typing import IO, Literal

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.csv as arrow_csv
import pyarrow.parquet as pq
from pydantic import Field

from astromer.config.section import Section
from astromer.errors import InputError
from astromer.surveys.catalog import CatalogOptions, read_catalog
from astromer.surveys.reading import (
    JD_OF_MJD_ZERO,
    NUMBERS,
    TIME_ORIGIN,
    RawBatch,
    TimeOrigin,
    check_positions,
    from_arrow,
    mark_missing,
    members_of_part,
    only_whole,
    relabel,
    to_mjd,
)
from astromer.surveys.sources import is_archive, line_blocks

BLOCK_BYTES = 16_000_000  # text parsed at once: large enough to be fast, small enough to bound the memory
BLOCK_ROWS = 300_000  # rows of Parquet decoded at once


class TableColumns(Section):
    """Names of the columns that are read."""

    id: str | list[str] = Field(description="Identifier of the object; several columns are joined by dots.")
    time: str = Field(description="Time [days], see `time_origin_jd`.")
    mag: str = Field(description="Magnitude [mag].")
    err_mag: str = Field(description="1-sigma error of the magnitude [mag].")
    class_: str | None = Field(None, alias="class", description="Class label.")
    band: str | None = Field(None, description="Photometric band.")
    ra: str | None = Field(None, description="Right ascension [deg, J2000].")
    dec: str | None = Field(None, description="Declination [deg, J2000].")


class TableOptions(CatalogOptions):
    """Long tables (CSV, maybe compressed, or Parquet) with one row per observation."""

    scattered = True

    tables: str = Field(
        "*", description="Paths of the tables inside the source; `*` is any text without `/`, `**/` any folders."
    )
    separator: Literal[",", ";", "|", "\t"] = Field(",", description="Separator of the fields of a text table.")
    quoted: bool = Field(True, description="Whether fields of a text table may be in double quotes.")
    names: list[str] | None = Field(
        None, description="Names of a text table's columns, if its first line does not give them."
    )
    columns: TableColumns = Field(description="Names of the columns that are read.")
    band: str | None = Field(None, description="The band of all rows, where no column gives it.")
    bands: dict[str, str] = Field(
        {},
        description="The bands kept, if a column names the band: the table's names and our names for them. An object "
        "may have rows in one band only (after renaming); for several bands, configure one survey per band.",
    )
    time_origin_jd: TimeOrigin = Field(JD_OF_MJD_ZERO, description=TIME_ORIGIN)
    missing_values: list[float | str] = Field(
        [],
        description="Marks of a missing value, as text or as a number (of magnitudes and errors); an empty field is "
        "always missing.",
    )


Options = TableOptions


def read(
    options: TableOptions, *, name: str, source: Path, seed: int | None, part: int, parts: int
) -> Iterator[RawBatch]:
    """Yield one part of the table's rows, in blocks; part 0 starts with the catalogue, if there is one."""
    yield from read_tables(options, source, part, parts)


def read_tables(options: TableOptions, source: Path, part: int, parts: int) -> Iterator[RawBatch]:
    """Yield one part of the tables that `options` describe.

    A part is every `parts`-th file, or every `parts`-th block of rows if there are fewer files than parts.
    """
    catalog, pattern = options.catalog, options.tables
    if part == 0 and catalog:
        yield RawBatch.of(objects=read_catalog(source, options))
    whole_files = (
        is_archive(source) or sum(1 for _ in members_of_part(source, pattern, 0, 1, other_than=catalog)) >= parts
    )
    turns = cycle([True] if whole_files else [turn == part for turn in range(parts)])
    every = (part, parts) if whole_files else (0, 1)
    for file, stream in members_of_part(source, pattern, *every, other_than=catalog):
        blocks = _parquet_blocks if file.endswith(".parquet") else _text_blocks
        for rows in blocks(source, file, stream, options, lambda: next(turns)):
            yield _batch(rows, source, file, options)


def _text_blocks(
    source: Path, file: str, stream: IO[bytes], options: TableOptions, wanted: Callable[[], bool]
) -> Iterator[pl.DataFrame]:
    names, line = options.names, 1
    for text in line_blocks(source, file, stream, BLOCK_BYTES):
        block = text
        if names is None:
            header, _, block = text.partition(b"\n")
            names = next(csv.reader([header.decode("utf-8-sig", "replace")], delimiter=options.separator))
            line = 2
        _check_columns(names, options, f"{source}, {file}")
        if wanted():
            yield _parse_text(block, names, line, f"{source}, {file}", options)
        line += block.count(b"\n")
    if names is None:
        raise InputError(f"{source}: {file} is empty, expected a header line")


def _parquet_blocks(
    source: Path, file: str, stream: IO[bytes], options: TableOptions, wanted: Callable[[], bool]
) -> Iterator[pl.DataFrame]:
    if is_archive(source) and not source.name.lower().endswith(".zip"):
        raise InputError(f"{source}: {file} cannot be read as a stream, as Parquet in a .tar is; unpack the archive")
    line = 1
    try:
        with pq.ParquetFile(stream, pre_buffer=False) as table:
            _check_columns(table.schema_arrow.names, options, f"{source}, {file}")
            for group in range(table.num_row_groups):
                if not wanted():
                    line += table.metadata.row_group(group).num_rows
                    continue
                for batch in table.iter_batches(BLOCK_ROWS, row_groups=[group], columns=_columns(options)):
                    yield from_arrow(batch).with_row_index("line", line).with_columns(text=pl.lit(None, pl.String))
                    line += batch.num_rows
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{source}: {file} is no Parquet table ({error})") from error


def _columns(options: TableOptions) -> list[str]:
    """Return the names of the table's columns that are read."""
    columns = options.columns.model_dump(by_alias=True)  # in the order of the fields, which `text` keeps
    return list(dict.fromkeys(name for theirs in columns.values() for name in _as_list(theirs)))


def _as_list(value: str | list[str] | None) -> list[str]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _check_columns(names: list[str], options: TableOptions, where: str) -> None:
    for ours, theirs in options.columns.model_dump(by_alias=True).items():
        for name in _as_list(theirs):
            if names.count(name) != 1:
                found = "no" if name not in names else "more than one"
                raise InputError(
                    f"{where}: {found} column {name!r} (configured as columns.{ours}); it has {', '.join(names)}"
                )


def _parse_text(block: bytes, names: list[str], first_line: int, where: str, options: TableOptions) -> pl.DataFrame:
    """Return the wanted columns as text, `line`, and `text` for the lines with too few or too many fields."""
    invalid: list[tuple[int, str]] = []
    columns = _columns(options)

    def skip(row: arrow_csv.InvalidRow) -> str:
        invalid.append((row.number - 1, row.text))
        return "skip"

    try:
        table = arrow_csv.read_csv(
            pa.BufferReader(_utf8(block)),
            arrow_csv.ReadOptions(column_names=names, use_threads=False, block_size=2 * BLOCK_BYTES),
            arrow_csv.ParseOptions(
                delimiter=options.separator,
                quote_char='"' if options.quoted else False,
                ignore_empty_lines=False,
                invalid_row_handler=skip,
            ),
            arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(columns, pa.string()), include_columns=columns, null_values=[]
            ),
        )
    except pa.ArrowInvalid as error:
        raise InputError(f"{where}: the block that starts on line {first_line} is no table ({error})") from error
    num_lines = block.count(b"\n")
    if len(table) + len(invalid) != num_lines:
        raise InputError(f"{where}: a quote opened after line {first_line} is not closed on its line")
    rows = from_arrow(table).with_columns(
        line=np.delete(np.arange(num_lines), [number for number, _ in invalid]), text=pl.lit(None, pl.String)
    )
    rows = rows.filter(~pl.all_horizontal(pl.col(columns).str.strip_chars() == ""))
    skipped = pl.DataFrame(invalid, schema={"line": pl.Int64, "text": pl.String}, orient="row")
    return pl.concat([rows, skipped], how="diagonal").with_columns(pl.col("line") + first_line)


def _utf8(text: bytes) -> bytes:
    """Return the text as valid UTF-8; other bytes become escapes, so that different bytes stay different."""
    try:
        text.decode()
    except UnicodeDecodeError:
        return text.decode(errors="backslashreplace").encode()
    return text


def _batch(rows: pl.DataFrame, source: Path, file: str, options: TableOptions) -> RawBatch:
    """Convert rows with the table's own columns, `line` and `text` (null if the line has all fields) to a batch."""
    columns = options.columns.plain()
    if any(rows.schema[name].is_float() for name in _as_list(columns["id"])):
        raise InputError(
            f"{source}: column {columns['id']!r} of {file} has floating point ids, expected text or integers"
        )
    if columns["band"]:
        rows = rows.filter(_text(columns["band"]).is_in(list(options.bands)) | pl.col("text").is_not_null())
    values = rows.select(
        "line",
        *(_number(columns[name], rows.schema, options.missing_values).alias(name) for name in NUMBERS),
        *(_text(columns[name]).alias(name) for name in ("class", "ra", "dec") if columns[name]),
        id=pl.concat_str([_text(name) for name in _as_list(columns["id"])], separator=".").fill_null(""),
        file=pl.lit(file),
        band=_text(columns["band"]).replace(options.bands) if columns["band"] else pl.lit(options.band, pl.String),
        text=pl.coalesce(
            "text", pl.concat_str(pl.col(_columns(options)).cast(pl.String), separator=" ", ignore_nulls=True)
        ),
    )
    objects = values.filter(pl.col("id") != "").unique(
        [name for name in ("id", "class", "band") if name in values.columns], keep="first", maintain_order=True
    )
    if "class" in objects.columns:
        objects = objects.with_columns(relabel(options.labels))
    if columns["ra"] and columns["dec"]:
        check_positions(objects, f"{source}, {file}")
    observations = only_whole(values.with_columns(pl.when(pl.col("id") != "").then(pl.col(NUMBERS))))
    return RawBatch.of(
        objects.drop("text", "line", *NUMBERS),
        observations.with_columns(
            *mark_missing([mark for mark in options.missing_values if not isinstance(mark, str)]),
            mjd=to_mjd(pl.col("time"), options.time_origin_jd),
        ),
    )


def _text(name: str) -> pl.Expr:
    """Return an expression for a column as text, null where it is blank."""
    text = pl.col(name).cast(pl.String).str.strip_chars()
    return pl.when(text != "").then(text)


def _number(name: str, schema: pl.Schema, missing: list[float | str]) -> pl.Expr:
    """Return an expression for a column of numbers or of their text: NaN if missing, null if the line is bad."""
    if schema[name].is_numeric():
        number = pl.col(name).cast(pl.Float64).fill_null(float("nan"))
    else:
        number = _text(name).fill_null("nan").replace({mark: "nan" for mark in missing if isinstance(mark, str)})
    return pl.when(pl.col("text").is_null()).then(number)
