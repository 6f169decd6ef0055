"""Reader of dumps with one text file per object and, if classes are known, a catalogue."""

import codecs
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import polars as pl
from pydantic import AfterValidator, Field

from astromer.errors import InputError
from astromer.surveys.brightness import UNKNOWN_ERR_MAG, UNKNOWN_ERR_MAG_DESCRIPTION, note_unknown_errors
from astromer.surveys.catalog import CatalogColumns, CatalogOptions, read_catalog
from astromer.surveys.headers import columns_of, split_header
from astromer.surveys.losses import Losses, Report, ignore
from astromer.surveys.reading import (
    JD_OF_MJD_ZERO,
    NUMBERS,
    TIME_ORIGIN,
    PathPattern,
    RawBatch,
    TimeOrigin,
    mark_missing,
    matcher,
    members_of_part,
    shard_of,
    to_mjd,
)
from astromer.surveys.sources import iter_members, unix_lines

NUMBERS_SCHEMA: dict[Any, Any] = dict(zip(NUMBERS, [pl.Float64, pl.Float32, pl.Float32], strict=True))
BLOCK_BYTES = 8_000_000  # text parsed at once: large enough to be fast, small enough to bound the memory

LightCurve = tuple[str, str, bytes]  # id, file and content


def _has_numbers(columns: list[str]) -> list[str]:
    if missing := [name for name in ("time", "mag") if name not in columns]:
        raise ValueError(f"lacks {', '.join(missing)}; expected the columns of a file, time and mag among them")
    if twice := [name for name in NUMBERS if columns.count(name) > 1]:
        raise ValueError(f"has {', '.join(twice)} more than once; expected one column of each")
    return columns


def _has_id(pattern: str) -> str:
    if "{id}" not in pattern:
        raise ValueError(f"is {pattern!r}; expected `{{id}}` in it, in place of the identifier")
    return pattern


class FilesColumns(CatalogColumns):
    """Names of the catalogue's columns."""

    class_: str = Field("Class", alias="class", description="Class label.")
    band: str = Field("Band", description="Photometric band.")


class FilesOptions(CatalogOptions):
    """One text file per object, and perhaps a catalogue."""

    one_file_per_object = True

    catalog: str | None = Field(
        None,
        description="The catalogue (CSV with a header, or Parquet) inside the source, or beside it as `../<name>`; "
        "null: every light curve is an object, whose class is unknown.",
    )
    catalog_columns: FilesColumns = Field(FilesColumns(), description="Names of the catalogue's columns.")
    light_curves: Annotated[PathPattern, AfterValidator(_has_id)] = Field(
        description="Path of an object's file inside the source, with `{id}` in place of the identifier. A file may be "
        "compressed (.gz, .xz, .bz2, .zst), the suffix being part of the path.",
    )
    separator: Literal["whitespace", ",", ";"] = Field("whitespace", description="Separator of the columns.")
    header: bool = Field(
        False,
        description="Whether the first line names the columns. The usual names of time, magnitude and error are "
        "recognised in any order; a first line of numbers, or one that contradicts `columns`, is an error.",
    )
    columns: Annotated[list[str], AfterValidator(_has_numbers)] = Field(
        NUMBERS,
        description="The columns of a light curve file, from left to right; those with other names are skipped. Other "
        "columns than the default take precedence over those that a header names, but may not contradict it.",
    )
    err_mag: float = Field(UNKNOWN_ERR_MAG, gt=0, description=UNKNOWN_ERR_MAG_DESCRIPTION)
    time_origin_jd: TimeOrigin = Field(JD_OF_MJD_ZERO, description=TIME_ORIGIN)
    missing_values: list[float] = Field([], description="Magnitudes and errors that mark a missing value.")


Options = FilesOptions


def read(
    options: FilesOptions, *, name: str, source: Path, seed: int | None, part: int, parts: int
) -> Iterator[RawBatch]:
    """Yield the rows of the catalogue, if there is one, and the light curves of one part, in blocks."""
    if options.catalog is not None:
        catalog = read_catalog(source, options)
        of_part = [shard_of(object_id, parts) == part for object_id in catalog["id"].to_list()]
        yield RawBatch.of(objects=catalog.filter(pl.Series(of_part, dtype=pl.Boolean)))
    if "err_mag" not in options.columns:
        note_unknown_errors(options.err_mag)
    losses = Losses()
    light_curves = _light_curves(source, options, part, parts, losses.add)
    buffer = io.BytesIO()
    for first in light_curves:
        block = [first, *_until_block_is_full(light_curves)]
        listed = [(object_id, file) for object_id, file, _ in block] if options.catalog is None else []
        objects = pl.DataFrame(listed, schema={"id": pl.String, "file": pl.String}, orient="row")
        yield RawBatch.of(objects=objects, observations=parse_light_curves(block, options, buffer, losses.add))
    yield RawBatch.of(losses=losses.table())


def _light_curves(source: Path, options: FilesOptions, part: int, parts: int, lost: Report) -> Iterator[LightCurve]:
    """Yield the light curves of one part."""
    pattern, members = options.light_curves, partial(iter_members, max_mb=options.max_file_mb)
    matches = matcher(pattern)
    for name, content in members_of_part(source, pattern, part, parts, members=members, lost=lost):
        if match := matches(name):
            yield match["id"], name, content


def _until_block_is_full(light_curves: Iterator[LightCurve]) -> Iterator[LightCurve]:
    """Take light curves from an iterator until they hold `BLOCK_BYTES`."""
    size = 0
    for light_curve in light_curves:
        yield light_curve
        size += len(light_curve[-1])
        if size >= BLOCK_BYTES:
            return


def parse_light_curves(
    light_curves: Iterable[LightCurve], options: FilesOptions, buffer: io.BytesIO, lost: Report = ignore
) -> pl.DataFrame:
    """Parse many small text files at once into the columns of `RAW_SCHEMA`, without blank lines.

    A line with too few or too many fields, or with a field that is not a number, gives null numbers and keeps its text.
    The texts are joined in `buffer`, which is reused for all blocks: these are large, and new memory for each is slow.
    A file without lines is reported to `lost`.

    Raises:
        InputError: the header of a file contradicts the options.
    """
    by_layout = groupby((_without_header(*light_curve, options) for light_curve in light_curves), lambda file: file[0])
    return pl.concat(_parse_layout(columns, files, options, buffer, lost) for columns, files in by_layout)


def _without_header(
    object_id: str, file: str, content: bytes, options: FilesOptions
) -> tuple[tuple[str, ...], str, str, bytes, int]:
    """Return columns, id, file, lines and the number of lines before these."""
    content = unix_lines(content.removeprefix(codecs.BOM_UTF8))
    columns, skipped = tuple(options.columns), 0
    if options.header and content:
        header, skipped, start = split_header(content)
        content = content[start:]
        try:
            columns = columns_of(header, options.separator, columns) if header else columns
        except InputError as error:
            raise InputError(f"{file}: {error}") from None
    if content and not content.endswith(b"\n"):
        content += b"\n"
    return columns, object_id, file, content, skipped


def _parse_layout(
    columns: tuple[str, ...], light_curves: Iterable[tuple], options: FilesOptions, buffer: io.BytesIO, lost: Report
) -> pl.DataFrame:
    """Parse files with the same columns, see `parse_light_curves`."""
    ids, files, counts, skips = [], [], [], []
    buffer.seek(0)
    for _, object_id, file, lines, skipped in light_curves:
        buffer.write(lines)
        ids.append(object_id)
        files.append(file)
        counts.append(np.count_nonzero(np.frombuffer(lines, np.uint8) == ord("\n")))
        skips.append(skipped)
        if not lines or lines.isspace():
            lost("file", "no rows", id=object_id, file=file)
    buffer.truncate()
    text, counts = buffer.getvalue(), np.array(counts, np.uint32)
    num_lines = int(counts.sum())
    table = _parse_clean(text, num_lines, options.separator, columns) if num_lines else None
    rows = _parse_line_by_line(text, options.separator, columns) if table is None else table
    of_line = np.repeat(np.arange(len(counts), dtype=np.uint32), counts)
    line_of_first = np.array(skips, np.uint32) + np.uint32(1)
    before_file = np.repeat(line_of_first - (counts.cumsum(dtype=np.uint32) - counts), counts)  # may wrap around zero
    origins = pl.DataFrame({"id": ids, "file": files}, schema=dict.fromkeys(["id", "file"], pl.Categorical))
    judged_by = pl.col("time").median().over("file")
    line = pl.Series("line", np.arange(len(of_line), dtype=np.uint32) + before_file)
    if "err_mag" not in columns:
        rows = rows.with_columns(err_mag=pl.when(pl.col("text").is_null()).then(pl.lit(options.err_mag, pl.Float32)))
    rows = rows.hstack([*origins[of_line], line]).with_columns(
        *mark_missing(options.missing_values), mjd=to_mjd(pl.col("time"), options.time_origin_jd, judged_by)
    )
    return rows if table is not None else rows.filter(pl.col("text").is_null() | (pl.col("text") != ""))


def _parse_clean(text: bytes, num_lines: int, separator: str, columns: Sequence[str]) -> pl.DataFrame | None:
    """Parse a text at once if no line is bad or blank; return None for any other text."""
    if separator != "whitespace":
        return _parse_separated(text, num_lines, separator, columns)
    # If all columns are numbers, a surplus blank makes a field that is not a number, so that the fast way fails safely.
    table = _parse_separated(text, num_lines, " ", columns) if set(columns) <= set(NUMBERS) else None
    return _parse_separated(_single_blanks(text), num_lines, " ", columns) if table is None else table


def _numbers_in(columns: Sequence[str]) -> list[str]:
    return [number for number in NUMBERS if number in columns]


def _single_blanks(text: bytes) -> bytes:
    if any(odd in text for odd in (b"\t", b"  ", b"\n ", b" \n")) or text.startswith(b" "):
        return re.sub(rb" ?\n ?", b"\n", re.sub(rb"[ \t]+", b" ", text)).removeprefix(b" ")
    return text


def _parse_separated(text: bytes, num_lines: int, separator: str, columns: Sequence[str]) -> pl.DataFrame | None:
    schema = {
        column if column in NUMBERS else f"column {i}": NUMBERS_SCHEMA.get(column, pl.String)
        for i, column in enumerate(columns)
    }
    try:
        table = pl.read_csv(text, has_header=False, separator=separator, quote_char=None, schema=schema)
    except pl.exceptions.PolarsError:
        return None
    numbers = _numbers_in(columns)
    # If a line is blank or too short, polars skips it or fills it with nulls, up to the last column.
    filled = {*numbers, table.columns[-1]}
    whole = table.height == num_lines and not any(table[column].null_count() for column in filled)
    return table.select(numbers, text=pl.lit(None, pl.String)) if whole else None


def _parse_line_by_line(text: bytes, separator: str, columns: Sequence[str]) -> pl.DataFrame:
    """Return one row per line: the numbers among its columns, or null for all of them and the line as `text`."""
    numbers = _numbers_in(columns)
    lines = pl.Series("text", text.decode("utf-8", errors="replace").split("\n")[:-1], dtype=pl.String).to_frame()
    line = pl.col("text").str.strip_chars()
    if separator == "whitespace":
        fields = line.str.replace_all(r"[ \t]+", " ").str.split_exact(" ", len(columns))
    else:
        fields = line.str.split_exact(separator, len(columns))
    split = lines.select(line, fields.alias("fields"))  # a struct with the fields field_0, field_1, ...
    of_number = {number: pl.col("fields").struct.field(f"field_{columns.index(number)}") for number in numbers}
    parsed = split.with_columns(
        *(
            field.str.strip_chars().cast(NUMBERS_SCHEMA[number], strict=False).alias(number)
            for number, field in of_number.items()
        ),
        last=pl.col("fields").struct.field(f"field_{len(columns) - 1}"),
        surplus=pl.col("fields").struct.field(f"field_{len(columns)}"),
    )
    whole = pl.all_horizontal(pl.col(*numbers, "last").is_not_null(), pl.col("surplus").is_null())
    return parsed.select(
        *(pl.when(whole).then(pl.col(number)).alias(number) for number in numbers),
        pl.when(~whole).then(pl.col("text")).alias("text"),
    )
