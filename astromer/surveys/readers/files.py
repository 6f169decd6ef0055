"""Reader of dumps with one text file per object and, if classes are known, a catalogue."""

import io
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import polars as pl
from pydantic import AfterValidator, Field

from astromer.surveys.catalog import CatalogColumns, CatalogOptions, read_catalog
from astromer.surveys.reading import (
    JD_OF_MJD_ZERO,
    NUMBERS,
    TIME_ORIGIN,
    RawBatch,
    TimeOrigin,
    mark_missing,
    matcher,
    members_of_part,
    shard_of,
    to_mjd,
)
from astromer.surveys.sources import iter_members

NUMBERS_SCHEMA: dict[Any, Any] = dict(zip(NUMBERS, [pl.Float64, pl.Float32, pl.Float32], strict=True))
BLOCK_BYTES = 8_000_000  # text parsed at once: large enough to be fast, small enough to bound the memory


def _has_numbers(columns: list[str]) -> list[str]:
    if missing := [name for name in NUMBERS if name not in columns]:
        raise ValueError(f"lacks {', '.join(missing)}; expected the columns of a file, these three names among them")
    return columns


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
    light_curves: str = Field(
        pattern=r"\{id\}",
        description="Path of an object's file inside the source, with `{id}` in place of the identifier.",
    )
    separator: Literal["whitespace", ",", ";"] = Field("whitespace", description="Separator of the columns.")
    header: bool = Field(False, description="Whether the first line names the columns.")
    columns: Annotated[list[str], AfterValidator(_has_numbers)] = Field(
        NUMBERS,
        description="The columns of a light curve file, from left to right; columns with other names are skipped.",
    )
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
    light_curves = _light_curves(source, options.light_curves, part, parts)
    buffer = io.BytesIO()
    for first in light_curves:
        block = [first, *_until_block_is_full(light_curves)]
        listed = [(object_id, file) for object_id, file, _ in block] if options.catalog is None else []
        objects = pl.DataFrame(listed, schema={"id": pl.String, "file": pl.String}, orient="row")
        yield RawBatch.of(objects, parse_light_curves(block, options, buffer))


def _light_curves(source: Path, pattern: str, part: int, parts: int) -> Iterator[tuple[str, str, bytes]]:
    """Yield id, file and content of the light curves of one part."""
    matches = matcher(pattern)
    for name, content in members_of_part(source, pattern, part, parts, members=iter_members):
        if match := matches(name):
            yield match["id"], name, content


def _until_block_is_full(light_curves: Iterator[tuple[str, str, bytes]]) -> Iterator[tuple[str, str, bytes]]:
    """Take light curves from an iterator until they hold `BLOCK_BYTES`."""
    size = 0
    for light_curve in light_curves:
        yield light_curve
        size += len(light_curve[-1])
        if size >= BLOCK_BYTES:
            return


def parse_light_curves(
    light_curves: Iterable[tuple[str, str, bytes]], options: FilesOptions, buffer: io.BytesIO
) -> pl.DataFrame:
    """Parse many small text files (id, file, content) at once into the columns of `RAW_SCHEMA`, without blank lines.

    A line with too few or too many fields, or with a field that is not a number, gives null numbers and keeps its text.
    The texts are joined in `buffer`, which is reused for all blocks: these are large, and new memory for each is slow.
    """
    skipped = 1 if options.header else 0
    ids, files, counts = [], [], []
    buffer.seek(0)
    for object_id, file, content in light_curves:
        lines = _lines_of(content, skipped)
        buffer.write(lines)
        ids.append(object_id)
        files.append(file)
        counts.append(np.count_nonzero(np.frombuffer(lines, np.uint8) == ord("\n")))
    buffer.truncate()
    text, counts = buffer.getvalue(), np.array(counts, np.uint32)
    num_lines = int(counts.sum())
    table = _parse_clean(text, num_lines, options) if num_lines else None
    rows = _parse_line_by_line(text, options) if table is None else table
    of_line = np.repeat(np.arange(len(counts), dtype=np.uint32), counts)
    before_first_line = np.repeat(counts.cumsum(dtype=np.uint32) - counts, counts) - np.uint32(1 + skipped)
    origins = pl.DataFrame({"id": ids, "file": files}, schema=dict.fromkeys(["id", "file"], pl.Categorical))
    judged_by = pl.col("time").median().over("file")
    line = pl.Series("line", np.arange(len(of_line), dtype=np.uint32) - before_first_line)
    rows = rows.hstack([*origins[of_line], line]).with_columns(
        *mark_missing(options.missing_values), mjd=to_mjd(pl.col("time"), options.time_origin_jd, judged_by)
    )
    return rows if table is not None else rows.filter(pl.col("text").is_null() | (pl.col("text") != ""))


def _lines_of(content: bytes, skipped: int) -> bytes:
    """Return the text without its header line (if `skipped` is 1), with Unix line ends and a final line end."""
    if b"\r" in content:
        content = content.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    if skipped:
        content = content.partition(b"\n")[2]
    return content if content.endswith(b"\n") or not content else content + b"\n"


def _parse_clean(text: bytes, num_lines: int, options: FilesOptions) -> pl.DataFrame | None:
    """Parse a text at once if no line is bad or blank; return None for any other text."""
    columns = options.columns
    if options.separator != "whitespace":
        return _parse_separated(text, num_lines, options.separator, columns)
    # If all columns are numbers, a surplus blank makes a field that is not a number, so that the fast way fails safely.
    table = _parse_separated(text, num_lines, " ", columns) if sorted(columns) == sorted(NUMBERS) else None
    return _parse_separated(_single_blanks(text), num_lines, " ", columns) if table is None else table


def _single_blanks(text: bytes) -> bytes:
    if any(odd in text for odd in (b"\t", b"  ", b"\n ", b" \n")) or text.startswith(b" "):
        return re.sub(rb" ?\n ?", b"\n", re.sub(rb"[ \t]+", b" ", text)).removeprefix(b" ")
    return text


def _parse_separated(text: bytes, num_lines: int, separator: str, columns: list[str]) -> pl.DataFrame | None:
    schema = {
        column if column in NUMBERS else f"column {i}": NUMBERS_SCHEMA.get(column, pl.String)
        for i, column in enumerate(columns)
    }
    try:
        table = pl.read_csv(text, has_header=False, separator=separator, quote_char=None, schema=schema)
    except pl.exceptions.PolarsError:
        return None
    table = table.select(NUMBERS, text=pl.lit(None, pl.String))
    # If a line is blank or too short, polars skips it or fills it with nulls.
    whole = table.height == num_lines and not any(table[number].null_count() for number in NUMBERS)
    return table if whole else None


def _parse_line_by_line(text: bytes, options: FilesOptions) -> pl.DataFrame:
    """Return one row per line: the numbers time, mag and err_mag, or null for all three and the line as `text`."""
    columns = options.columns
    lines = pl.Series("text", text.decode("utf-8", errors="replace").split("\n")[:-1], dtype=pl.String).to_frame()
    line = pl.col("text").str.strip_chars()
    if options.separator == "whitespace":
        fields = line.str.replace_all(r"[ \t]+", " ").str.split_exact(" ", len(columns))
    else:
        fields = line.str.split_exact(options.separator, len(columns))
    split = lines.select(line, fields.struct.rename_fields([*columns, "surplus"]).alias("fields")).unnest("fields")
    parsed = split.with_columns(pl.col(NUMBERS).str.strip_chars()).cast(NUMBERS_SCHEMA, strict=False)
    whole = pl.all_horizontal(pl.col(NUMBERS).is_not_null(), pl.col("surplus").is_null())
    return parsed.select(
        *(pl.when(whole).then(pl.col(number)).alias(number) for number in NUMBERS),
        pl.when(~whole).then(pl.col("text")).alias("text"),
    )
