"""Rows of XML tables with three numbers each, parsed in a time proportional to their size, whatever they hold."""

import html
import re

import numpy as np
import polars as pl
import pyarrow as pa
from pyarrow import csv

from astromer.surveys.reading import MAX_TEXT, NUMBERS, from_arrow, only_whole

BLOCK_BYTES = 16_000_000  # of text that Arrow parses at once
ROW_SCHEMA = {"star": pl.UInt32, "line": pl.UInt32, **dict.fromkeys(NUMBERS, pl.Float64), "text": pl.String}

# No part of these can run over the start of the next match: each needs time in proportion to the text.
_ROW_START = re.compile(rb"(?=<TR\b)")
_ROW_TAG = re.compile(rb"<TR\b[^<>]*>")
_EMPTY_CELL = re.compile(rb"<TD\b([^<>]*)/>")
_CELL = re.compile(rb"\s*<TD\b[^<>]*>([^<]*)")


def parse_rows(tables: list[tuple[int, bytes, int]]) -> pl.DataFrame:
    """Parse the rows of many tables.

    Args:
        tables: index of the star, rows as XML without surrounding white space, and line number of the first row.

    Returns:
        The columns star, line, time, mag, err_mag and text. Anything other than a row of three numbers has null numbers
        and keeps its text; an empty cell is NaN.
    """
    if not tables:
        return pl.DataFrame(schema=ROW_SCHEMA)
    joined = _parse_plain(tables)
    if joined is not None:
        return joined
    plain = ((table, _parse_plain([table])) for table in tables)
    return pl.concat(_parse_row_by_row(*table) if rows is None else rows for table, rows in plain)


def _parse_plain(tables: list[tuple[int, bytes, int]]) -> pl.DataFrame | None:
    """Parse tables with one plain row per line by Arrow, which is fast; return None if any table is different."""
    text = b"\n".join(data for _, data, _ in tables)
    if b"<!" in text or b";" in text:  # a comment, or text that would be taken for the end of a cell
        return None
    # <TR row='1'><TD>51869.5</TD><TD>12.7</TD><TD>0.03</TD></TR> becomes <TR row='1'>;51869.5;12.7;0.03;
    text = text.replace(b"</TD><TD>", b";").replace(b"<TD>", b";").replace(b"</TD></TR>", b";")
    try:
        table = csv.read_csv(
            pa.BufferReader(text),
            csv.ReadOptions(column_names=["start", *NUMBERS, "end"], block_size=BLOCK_BYTES),
            csv.ParseOptions(delimiter=";", quote_char=False, ignore_empty_lines=False),
            csv.ConvertOptions(
                column_types=dict.fromkeys(NUMBERS, pa.float64()) | dict.fromkeys(["start", "end"], pa.string()),
                null_values=[],
            ),
        )
    except pa.ArrowInvalid:
        return None
    around = from_arrow(table).select(pl.col("start").str.contains(r"^\s*<TR(\s[^<>]*)?>$"), pl.col("end") == "")
    if not around.select(pl.all_horizontal(pl.all().all())).item():
        return None
    counts = np.array([data.count(b"\n") + 1 for _, data, _ in tables])
    first_rows = np.repeat(counts.cumsum() - counts, counts)
    first_lines = np.repeat([line for _, _, line in tables], counts)
    origin = {"star": np.repeat([star for star, _, _ in tables], counts), "line": np.arange(len(table)) - first_rows}
    return pl.DataFrame(origin).select(
        pl.col("star").cast(pl.UInt32),
        (pl.col("line") + first_lines).cast(pl.UInt32),
        *from_arrow(table.select(NUMBERS)),
        text=pl.lit(None, pl.String),
    )


def _parse_row_by_row(star: int, data: bytes, line: int) -> pl.DataFrame:
    rows = []
    for piece in _ROW_START.split(_without_comments(data)):
        tag, end = _ROW_TAG.match(piece), piece.find(b"</TR>")
        after = end + len(b"</TR>") if tag and end >= 0 else 0
        for text, is_row in ((piece[:after], True), (piece[after:], False)):
            if stripped := text.strip():
                start = line + text.count(b"\n", 0, len(text) - len(text.lstrip()))
                cells = _cells(piece[tag.end() : end]) if tag and is_row else None
                numbers = cells if cells and len(cells) == len(NUMBERS) else [None] * len(NUMBERS)
                rows.append((star, start, *numbers, stripped[: 4 * MAX_TEXT].decode("utf-8", "replace")))
            line += text.count(b"\n")
    return only_whole(pl.DataFrame(rows, schema=ROW_SCHEMA | dict.fromkeys(NUMBERS, pl.String), orient="row"))


def _without_comments(data: bytes) -> bytes:
    """Return the XML with the line ends of its comments only; one that does not end stays."""
    first, *others = data.split(b"<!--")
    kept = [first]
    for other in others:
        comment, closing, after = other.partition(b"-->")
        if closing:
            kept += [b"\n" * comment.count(b"\n"), after]
        else:
            kept.append(b"<!--" + other)
    return b"".join(kept)


def _cells(row: bytes) -> list[str] | None:
    """Return the texts of a row's cells, `nan` for an empty one; None if it holds anything else than cells."""
    *cells, rest = _EMPTY_CELL.sub(rb"<TD\1></TD>", row).split(b"</TD>")
    texts = [_CELL.fullmatch(cell) for cell in cells]
    if rest.strip() or not all(texts):
        return None
    return [html.unescape(text[1].decode("utf-8", "replace")).strip() or "nan" for text in texts if text]
