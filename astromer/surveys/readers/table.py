"""Reader of long tables: one row per observation, with a column that names the object."""

import csv
import re
from collections.abc import Callable, Iterator
from difflib import get_close_matches
from io import BufferedReader
from itertools import cycle
from pathlib import Path, PurePosixPath
from typing import IO, cast

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from astromer.errors import InputError
from astromer.surveys.brightness import (
    fluxes_to_magnitudes,
    has_lists,
    is_flagged,
    leaf_names,
    lose,
    note_unknown_errors,
    whole_columns,
    without_lists,
)
from astromer.surveys.catalog import read_catalog
from astromer.surveys.compression import without_compression
from astromer.surveys.fits_tables import fits_names, read_fits
from astromer.surveys.losses import Losses, Report, ignore
from astromer.surveys.reading import (
    NUMBERS,
    RawBatch,
    check_one_band,
    check_types,
    from_arrow,
    mark_missing,
    matcher,
    members_of_part,
    only_whole,
    relabel,
    to_mjd,
    with_positions,
)
from astromer.surveys.sources import is_archive, line_blocks, whole_file
from astromer.surveys.table_options import TableOptions
from astromer.surveys.text_tables import parse_rows

BLOCK_BYTES = 16_000_000  # text parsed at once: large enough to be fast, small enough to bound the memory
BLOCK_ROWS = 300_000  # rows of Parquet decoded at once
OBJECTS_AT_ONCE = 1_000  # rows decoded at once if each is an object with all its observations


Options = TableOptions


def read(
    options: TableOptions, *, name: str, source: Path, seed: int | None, part: int, parts: int
) -> Iterator[RawBatch]:
    """Yield one part of the table's rows, in blocks; part 0 starts with the catalogue, if there is one."""
    yield from read_tables(options, source, part, parts)


def read_tables(options: TableOptions, source: Path, part: int, parts: int) -> Iterator[RawBatch]:
    """Yield one part of the tables that `options` describe.

    A part is every `parts`-th file, or every `parts`-th block of rows if there are fewer files than parts. Where
    the path of a file names its object, a part is the files of one shard.
    """
    catalog, pattern = options.catalog, options.tables
    if part == 0 and catalog:
        yield RawBatch.of(objects=read_catalog(source, options))
    if options.columns.err_mag is None:
        note_unknown_errors(options.err_mag)
    losses = Losses()
    whole_files = (
        is_archive(source)
        or options.columns.id is None
        or sum(1 for _ in members_of_part(source, pattern, 0, 1, other_than=catalog)) >= parts
    )
    turns = cycle([True] if whole_files else [turn == part for turn in range(parts)])
    every = (part, parts) if whole_files else (0, 1)
    lost = losses.add if part == 0 else ignore
    matches = matcher(pattern)
    for file, stream in members_of_part(source, pattern, *every, other_than=catalog, lost=lost):
        blocks = BLOCKS.get(PurePosixPath(without_compression(file)).suffix.lower())
        if blocks is None or not cast(BufferedReader, stream).peek(1):  # an empty file has no rows, whatever its kind
            blocks = _text_blocks
        of_file = losses.add if whole_files or part == 0 else ignore  # every part sees the files that all share
        for rows in blocks(source, file, stream, options, lambda: next(turns), of_file):
            of_path = cast(re.Match, matches(file)).groupdict().get("id")
            yield _batch(rows, source, file, of_path, options, losses.add)
    yield RawBatch.of(losses=losses.table())


def _text_blocks(
    source: Path, file: str, stream: IO[bytes], options: TableOptions, wanted: Callable[[], bool], lost: Report
) -> Iterator[pl.DataFrame]:
    names, line, has_rows = options.names, 1, False
    for text in line_blocks(source, file, stream, BLOCK_BYTES):
        block = text
        if names is None:
            header, _, block = text.partition(b"\n")
            names = next(csv.reader([header.decode("utf-8-sig", "replace")], delimiter=options.separator))
            line = 2
        _check_columns(names, options, f"{source}, {file}")
        if not block.isspace() and block:
            has_rows = True
            if wanted():
                layout = {"separator": options.separator, "quoted": options.quoted}
                yield parse_rows(block, names, _keys(options), line, f"{source}, {file}", **layout)
        line += block.count(b"\n")
    if not has_rows:
        lost("file", "no rows", file=file)


def _parquet_blocks(
    source: Path, file: str, stream: IO[bytes], options: TableOptions, wanted: Callable[[], bool], lost: Report
) -> Iterator[pl.DataFrame]:
    if is_archive(source) and not source.name.lower().endswith(".zip"):
        raise InputError(f"{source}: {file} cannot be read as a stream, as Parquet in a .tar is; unpack the archive")
    line, keys = 1, _keys(options)
    try:
        with pq.ParquetFile(stream, pre_buffer=False) as table:
            _check_columns([*leaf_names(table.schema_arrow)], options, f"{source}, {file}")
            at_once = OBJECTS_AT_ONCE if has_lists(table.schema_arrow) else BLOCK_ROWS
            if not table.metadata.num_rows:
                lost("file", "no rows", file=file)
            for group in range(table.num_row_groups):
                if not wanted():
                    line += table.metadata.row_group(group).num_rows
                    continue
                for batch in table.iter_batches(
                    at_once, row_groups=[group], columns=whole_columns(table.schema_arrow, keys)
                ):
                    rows = without_lists(from_arrow(batch), keys, line)
                    types = pl.Schema({name: rows.schema[key] for name, key in keys.items()})
                    check_types(types, keys, f"{source}, {file}")
                    yield rows.with_columns(text=pl.lit(None, pl.String))
                    line += batch.num_rows
    except (pa.ArrowException, pl.exceptions.PolarsError, OSError) as error:
        raise InputError(f"{source}: {file} is no Parquet table ({error})") from error


def _fits_blocks(
    source: Path, file: str, stream: IO[bytes], options: TableOptions, wanted: Callable[[], bool], lost: Report
) -> Iterator[pl.DataFrame]:
    where, content = f"{source}, {file}", whole_file(source, file, stream, max_mb=options.max_file_mb)
    _check_columns(fits_names(content, where), options, where)
    rows = read_fits(content, _keys(options), options.columns.time, options.time_origin_jd, where)
    if rows.is_empty():
        lost("file", "no rows", file=file)
    if wanted():
        yield rows.with_columns(text=pl.lit(None, pl.String))


BLOCKS = {".parquet": _parquet_blocks, ".fits": _fits_blocks, ".fit": _fits_blocks}
"""Functions that read a file in blocks, by its suffix; others are text."""


def _columns(options: TableOptions) -> list[str]:
    """Return the names of the table's columns that are read."""
    columns = options.columns.model_dump(by_alias=True)  # in the order of the fields, which `text` keeps
    return list(dict.fromkeys(name for theirs in columns.values() for name in _as_list(theirs)))


def _keys(options: TableOptions) -> dict[str, str]:
    """Return our names for the table's columns, which no column of our own can have."""
    return {name: f"column {place}" for place, name in enumerate(_columns(options))}


def _as_list(value: str | list[str] | None) -> list[str]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _check_columns(names: list[str], options: TableOptions, where: str) -> None:
    for ours, theirs in options.columns.model_dump(by_alias=True).items():
        for name in _as_list(theirs):
            if names.count(name) != 1:
                found = "no" if name not in names else "more than one"
                similar = get_close_matches(name.lower(), [other.lower() for other in names], n=1)
                meant = [other for other in names if [other.lower()] == similar and other != name]
                hint = f"; did you mean {meant[0]}?" if meant else ""
                raise InputError(
                    f"{where}: {found} column {name!r} (configured as columns.{ours}); it has {', '.join(names)}{hint}"
                )


def _batch(
    rows: pl.DataFrame, source: Path, file: str, of_path: str | None, options: TableOptions, lost: Report
) -> RawBatch:
    """Convert rows with the columns of `_keys`, `line` and `text` (null if the line has all fields) to a batch.

    `of_path` is the id that the path of the file gives, if there is no column of ids.
    """
    keys, columns = _keys(options), options.columns.plain()
    where, ids = f"{source}, {file}", [keys[name] for name in _as_list(columns["id"])]
    if any(rows.schema[name].is_float() for name in ids):
        raise InputError(
            f"{source}: column {columns['id']!r} of {file} has floating point ids, expected text or integers"
        )
    key_of = {ours: keys[theirs] for ours, theirs in columns.items() if isinstance(theirs, str)}
    given = [name for name in ("class", "ra", "dec") if name in key_of]
    read_text = pl.concat_str(pl.col(list(keys.values())).cast(pl.String), separator=" ", ignore_nulls=True)
    band = _text(key_of["band"]) if "band" in key_of else pl.lit(options.band, pl.String)
    constant = pl.when(pl.col("text").is_null()).then(pl.lit(options.err_mag))
    numbers = [name for name in NUMBERS if name in key_of]
    values = rows.select(
        "line",
        *([] if "err_mag" in key_of else [constant.alias("err_mag")]),
        *(_number(key_of[name], rows.schema, options.missing_values).alias(name) for name in numbers),
        *(_text(key_of[name]).alias(name) for name in [*given, *(["flag"] if "flag" in key_of else [])]),
        id=_id(ids).fill_null("") if ids else pl.lit(of_path),
        file=pl.lit(file),
        band=band,
        is_whole=pl.col("text").is_null(),
        text=pl.coalesce("text", read_text),
    )
    values = _of_bands(values, options, lost, where)
    objects = _objects(values, where).with_columns(relabel(options.labels) if "class" in given else [])
    if "flag" in key_of:
        values = lose(values, is_flagged(pl.col("flag"), options.bad_flags), "quality flag", lost)
    observations = only_whole(values.with_columns(pl.when(pl.col("id") != "").then(pl.col(NUMBERS))))
    observations = observations.with_columns(
        *mark_missing([mark for mark in options.missing_values if not isinstance(mark, str)]),
        mjd=to_mjd(pl.col("time"), options.time_origin_jd),
    )
    if options.zero_point is not None:
        has_errors = "err_mag" in key_of
        observations = fluxes_to_magnitudes(observations, options.zero_point, lost, has_errors=has_errors)
    return RawBatch.of(objects, observations if options.each_band else observations.drop("band"))


def _of_bands(values: pl.DataFrame, options: TableOptions, lost: Report, where: str) -> pl.DataFrame:
    """Return the rows of the bands that are kept, and the lines that cannot be read; count the others."""
    if options.one_band:
        check_one_band(values["band"], where)
    if not options.bands:
        return values
    if options.bands == "each":
        return lose(values, pl.col("band").is_null() & pl.col("is_whole"), "no band", lost)
    is_kept = pl.col("band").is_in(list(options.bands)).fill_null(False) | ~pl.col("is_whole")
    return lose(values, ~is_kept, "other band", lost).with_columns(pl.col("band").replace(options.bands))


def _objects(values: pl.DataFrame, where: str) -> pl.DataFrame:
    """List what the rows state about objects, and how many state it."""
    axes = [axis for axis in ("ra", "dec") if axis in values.columns]
    stated = [name for name in ("id", "class", "band", *axes) if name in values.columns]
    named = values.filter(pl.col("id") != "")
    objects = named.group_by(stated, maintain_order=True).agg(pl.col("file").first(), pl.len().alias("rows"))
    if len(axes) < 2:
        return objects.drop(axes)
    is_known = pl.all_horizontal(pl.col(axes).is_not_null())
    return with_positions(objects, where).with_columns(pl.when(is_known).then(pl.col(axes)))


def _id(columns: list[str]) -> pl.Expr:
    """Return the id from one column, or from several joined by dots; null where parts with dots make it ambiguous."""
    joined = pl.concat_str([_text(name) for name in columns], separator=".")
    if len(columns) == 1:
        return joined
    has_dot = [_text(name).str.contains(".", literal=True) for name in columns]
    return pl.when(~pl.any_horizontal(has_dot)).then(joined)


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
