"""Reader of dumps with one text file per object and a catalogue."""

import io
import re
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

import numpy as np
import polars as pl

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
    shard_of,
    to_mjd,
)
from astromer.data.sources import iter_members, read_member
from astromer.errors import InputError

NUMBERS_SCHEMA = dict(zip(NUMBERS, [pl.Float64, pl.Float32, pl.Float32], strict=True))
BLOCK_BYTES = 8_000_000  # text parsed at once: large enough to be fast, small enough to bound the memory


def read(survey: dict, *, name: str, source: Path, seed: int, part: int, parts: int) -> Iterator[RawBatch]:
    """Yield the catalogue's rows and the light curve files of the objects of one part, the files in blocks."""
    options = survey["files"]
    catalog = read_catalog(source, options)
    of_part = pl.Series([shard_of(object_id, parts) == part for object_id in catalog["id"].to_list()], dtype=pl.Boolean)
    yield RawBatch.of(objects=catalog.filter(of_part))
    light_curves = _light_curves(source, options["light_curves"], part, parts)
    buffer = io.BytesIO()
    for first in light_curves:
        block = chain([first], _until_block_is_full(light_curves))
        yield RawBatch.of(observations=parse_light_curves(block, options, buffer))


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


def _light_curves(source: Path, pattern: str, part: int, parts: int) -> Iterator[tuple[str, str, bytes]]:
    """Yield id, file and content of the light curves of one part."""
    matches = matcher(pattern)
    for name, content in members_of_part(source, pattern, part, parts, members=iter_members):
        yield matches(name)["id"], name, content


def _until_block_is_full(light_curves: Iterator[tuple[str, str, bytes]]) -> Iterator[tuple[str, str, bytes]]:
    """Take light curves from an iterator until they hold `BLOCK_BYTES`."""
    size = 0
    for light_curve in light_curves:
        yield light_curve
        size += len(light_curve[-1])
        if size >= BLOCK_BYTES:
            return


def parse_light_curves(
    light_curves: Iterable[tuple[str, str, bytes]], options: dict, buffer: io.BytesIO
) -> pl.DataFrame:
    """Parse many small text files (id, file, content) at once into the columns of `RAW_SCHEMA`, without blank lines.

    A line with too few or too many fields, or with a field that is not a number, gives null numbers and keeps its text.
    They are joined in `buffer`; with the same one for all blocks, which are large, no fresh memory is needed for each.
    """
    skipped = 1 if options["header"] else 0
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
        *mark_missing(options["missing_values"]), mjd=to_mjd(pl.col("time"), options["time_origin_jd"], judged_by)
    )
    return rows if table is not None else rows.filter(pl.col("text").is_null() | (pl.col("text") != ""))


def _lines_of(content: bytes, skipped: int) -> bytes:
    """Return the text after the first `skipped` lines, with Unix line ends and a final one."""
    if b"\r" in content:
        content = content.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    if skipped:
        content = content.partition(b"\n")[2]
    return content if content.endswith(b"\n") or not content else content + b"\n"


def _parse_clean(text: bytes, num_lines: int, options: dict) -> pl.DataFrame | None:
    """Parse a text without a single bad or blank line at once; return None for any other text."""
    columns = options["columns"]
    if options["separator"] != "whitespace":
        return _parse_separated(text, num_lines, options["separator"], columns)
    # Where all columns are numbers, a surplus blank makes a field that is not a number.
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
    # Where a line is blank or too short, polars leaves it out or fills it with nulls.
    whole = table.height == num_lines and not any(table[number].null_count() for number in NUMBERS)
    return table if whole else None


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
    parsed = split.with_columns(pl.col(NUMBERS).str.strip_chars()).cast(NUMBERS_SCHEMA, strict=False)
    whole = pl.all_horizontal(pl.col(NUMBERS).is_not_null(), pl.col("surplus").is_null())
    return parsed.select(
        *(pl.when(whole).then(pl.col(number)).alias(number) for number in NUMBERS),
        pl.when(~whole).then(pl.col("text")).alias("text"),
    )
