"""Reader of dumps with one text file per object and a catalogue."""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
from pyarrow import csv

from astromer.data.readers.base import (
    NUMBERS,
    OBJECT_SCHEMA,
    RawBatch,
    check_positions,
    conform,
    mark_missing,
    matcher,
    members_of_part,
    relabel,
    to_mjd,
)
from astromer.data.sources import iter_members, read_member
from astromer.errors import InputError

BLOCK_BYTES = 16_000_000  # text parsed at once: large enough to be fast, small enough to bound the memory


def read(survey: dict, *, name: str, source: Path, seed: int, part: int, parts: int) -> Iterator[RawBatch]:
    """Yield the catalogue (part 0) and every `parts`-th light curve file of the dump, in blocks."""
    options = survey["files"]
    if part == 0:
        yield RawBatch.of(objects=read_catalog(source, options))
    for block in _blocks(source, options["light_curves"], part, parts):
        yield RawBatch.of(observations=parse_light_curves(block, options))


def read_catalog(source: Path, options: dict) -> pl.DataFrame:
    """Read a dump's catalogue (CSV with a header, or Parquet) into the columns of `OBJECT_SCHEMA`, labels renamed.

    The options used are catalog, catalog_columns, position_from_id and labels. The columns not configured are null.
    """
    where = f"{source}, {options['catalog']}"
    raw = _read_table(read_member(source, options["catalog"]), where)
    columns = {ours: theirs for ours, theirs in options["catalog_columns"].items() if theirs is not None}
    for ours, theirs in columns.items():
        if theirs not in raw.columns:
            raise InputError(
                f"{where}: no column {theirs!r} (configured as catalog_columns.{ours}); it has {', '.join(raw.columns)}"
            )
    catalog = raw.select(
        pl.col(theirs).cast(pl.String).str.strip_chars().alias(ours) for ours, theirs in columns.items()
    )
    if catalog["id"].is_null().any():
        raise InputError(f"{where}: row {catalog['id'].is_null().arg_max() + 1} has no {columns['id']}")
    if options["position_from_id"]:
        catalog = catalog.with_columns(position_from_id("id", where))
    absent = OBJECT_SCHEMA.keys() - {"file", *catalog.columns}
    catalog = catalog.with_columns(
        *(pl.lit(None, pl.String).alias(name) for name in absent), file=pl.lit(options["catalog"])
    )
    check_positions(catalog, where)
    return conform(catalog.with_columns(relabel(options["labels"])), OBJECT_SCHEMA)


def _read_table(content: bytes, where: str) -> pl.DataFrame:
    try:
        if content.startswith(b"PAR1"):
            return pl.read_parquet(content)
        return pl.read_csv(content, infer_schema=False, encoding="utf8-lossy")
    except pl.exceptions.PolarsError as error:
        raise InputError(f"{where}: not a CSV table with a header, nor Parquet ({error})") from error


def position_from_id(column: str, where: str) -> list[pl.Expr]:
    """Expressions for `ra` and `dec` [deg, J2000] from ids such as `174259-3517.7` (hhmmss, then ddmm.m)."""
    fields = pl.col(column).str.extract_groups(r"^(\d{2})(\d{2})(\d{2})([+-])(\d{2})(\d{2}\.\d)")
    hours, minutes, seconds, sign, degrees, arcmin = (fields.struct.field(str(i)) for i in range(1, 7))
    ra = 15 * (hours.cast(pl.Float64) + minutes.cast(pl.Float64) / 60 + seconds.cast(pl.Float64) / 3600)
    dec = degrees.cast(pl.Float64) + arcmin.cast(pl.Float64) / 60
    return [ra.alias("ra"), pl.when(sign == "-").then(-dec).otherwise(dec).alias("dec")]


def _blocks(source: Path, pattern: str, part: int, parts: int) -> Iterator[list[tuple[str, str, bytes]]]:
    """Yield lists of (id, file, content) of about `BLOCK_BYTES`; every `parts`-th file belongs to this part."""
    matches = matcher(pattern)
    block, size = [], 0
    for name, content in members_of_part(source, pattern, part, parts, members=iter_members):
        block.append((matches(name)["id"], name, content))
        size += len(content)
        if size >= BLOCK_BYTES:
            yield block
            block, size = [], 0
    if block:
        yield block


def parse_light_curves(block: list[tuple[str, str, bytes]], options: dict) -> pl.DataFrame:
    """Parse many small text files at once into the columns of `RAW_SCHEMA`; blank lines are left out.

    A line with too few or too many fields, or with a field that is not a number, gives null numbers and keeps its text.
    """
    skipped = 1 if options["header"] else 0
    texts = [_lines_of(content, skipped) for _, _, content in block]
    counts = np.array([text.count(b"\n") for text in texts])
    text = b"".join(texts)
    table = _parse_clean(text, options) if counts.sum() else None
    if table is None:
        table = _parse_line_by_line(text, options)
    of_line = np.repeat(np.arange(len(block)), counts)
    first_line = np.repeat(counts.cumsum() - counts, counts)
    origins = pl.DataFrame(
        {"id": [i for i, _, _ in block], "file": [f for _, f, _ in block]}, schema_overrides={"id": pl.String}
    )
    judged_by = pl.col("time").median().over("file")
    return (
        table.with_columns(*origins[of_line], line=pl.Series(np.arange(len(of_line)) - first_line + 1 + skipped))
        .with_columns(
            *mark_missing(options["missing_values"]),
            mjd=to_mjd(pl.col("time"), options["time_origin_jd"], judged_by),
        )
        .filter(pl.col("text").is_null() | (pl.col("text") != ""))
    )


def _lines_of(content: bytes, skipped: int) -> bytes:
    """Return the text after the first `skipped` lines, with Unix line ends and a final one."""
    if b"\r" in content:
        content = content.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    if skipped:
        content = content.partition(b"\n")[2]
    return content if content.endswith(b"\n") or not content else content + b"\n"


def _parse_clean(text: bytes, options: dict) -> pl.DataFrame | None:
    """Parse a text without a single bad or blank line, at the speed of Arrow; return None for any other text."""
    columns = options["columns"]
    if options["separator"] != "whitespace":
        return _parse_separated(text, options["separator"], columns)
    # Where all columns are numbers, a surplus blank makes a field that is not a number.
    table = _parse_separated(text, " ", columns) if sorted(columns) == sorted(NUMBERS) else None
    return _parse_separated(_single_blanks(text), " ", columns) if table is None else table


def _single_blanks(text: bytes) -> bytes:
    if any(odd in text for odd in (b"\t", b"  ", b"\n ", b" \n")) or text.startswith(b" "):
        return re.sub(rb" ?\n ?", b"\n", re.sub(rb"[ \t]+", b" ", text)).removeprefix(b" ")
    return text


def _parse_separated(text: bytes, separator: str, columns: list[str]) -> pl.DataFrame | None:
    try:
        table = csv.read_csv(
            pa.BufferReader(text),
            csv.ReadOptions(column_names=columns, block_size=BLOCK_BYTES),
            csv.ParseOptions(delimiter=separator, quote_char=False, ignore_empty_lines=False),
            csv.ConvertOptions(
                column_types=dict.fromkeys(NUMBERS, pa.float64()), include_columns=NUMBERS, null_values=[]
            ),
        )
    except pa.ArrowInvalid:
        return None
    return pl.from_arrow(table).with_columns(text=pl.lit(None, pl.String))


def _parse_line_by_line(text: bytes, options: dict) -> pl.DataFrame:
    """Return one row per line: the float columns time, mag and err_mag, or null in these and the line as `text`."""
    columns = options["columns"]
    lines = pl.Series("text", text.decode("utf-8", errors="replace").split("\n")[:-1], dtype=pl.String).to_frame()
    line = pl.col("text").str.strip_chars()
    if options["separator"] == "whitespace":
        fields = line.str.replace_all(r"[ \t]+", " ").str.split_exact(" ", len(columns))
    else:
        fields = line.str.split_exact(options["separator"], len(columns))
    split = lines.select(line, fields.struct.rename_fields([*columns, "surplus"]).alias("fields")).unnest("fields")
    parsed = split.with_columns(pl.col(NUMBERS).str.strip_chars().cast(pl.Float64, strict=False))
    whole = pl.all_horizontal(pl.col(NUMBERS).is_not_null(), pl.col("surplus").is_null())
    return parsed.select(
        *(pl.when(whole).then(pl.col(number)).alias(number) for number in NUMBERS),
        pl.when(~whole).then(pl.col("text")).alias("text"),
    )
