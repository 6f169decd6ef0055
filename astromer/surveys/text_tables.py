"""Blocks of text tables, parsed so that every line is a row or is known to be unreadable."""

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.csv as arrow_csv

from astromer.errors import InputError
from astromer.surveys.reading import from_arrow, valid_utf8


def parse_rows(
    block: bytes, names: list[str], wanted: dict[str, str], first_line: int, where: str, *, separator: str, quoted: bool
) -> pl.DataFrame:
    """Parse the lines of a block that are not blank.

    Args:
        block: whole lines with Unix line ends.
        names: names of all columns of the table.
        wanted: the columns to return, and our names for them.
        first_line: number of the first line.
        where: file of the block, for errors.
        separator: separator of the fields.
        quoted: whether fields may be in double quotes.

    Returns:
        The wanted columns as text, `line`, and `text`, which is null unless the line has too few or too many fields, or
        fields in unwanted columns only.

    Raises:
        InputError: a quote is not closed on its line.
    """
    block, numbers = _without_blank_lines(block)
    try:
        table, invalid = _parse(valid_utf8(block), names, list(wanted), separator, quoted)
    except pa.ArrowInvalid as error:
        raise InputError(f"{where}: the block that starts on line {first_line} is no table ({error})") from error
    if len(table) + len(invalid) != len(numbers):
        raise InputError(f"{where}: a quote opened after line {first_line} is not closed on its line")
    places = [place for place, _ in invalid]
    whole = np.delete(np.arange(len(numbers)), places)
    rows = from_arrow(table).rename(wanted)
    is_blank = rows.select(pl.all_horizontal(pl.col(list(wanted.values())).str.strip_chars() == "")).to_series()
    if is_blank.any():
        invalid += _with_other_fields(block, whole[is_blank.to_numpy()], separator)
    rows = rows.with_columns(line=numbers[whole], text=pl.lit(None, pl.String)).filter(~is_blank)
    skipped = pl.DataFrame(
        {"line": numbers[[place for place, _ in invalid]], "text": [text for _, text in invalid]},
        schema={"line": pl.Int64, "text": pl.String},
    )
    skipped = skipped.filter(pl.col("text").str.strip_chars() != "")
    return pl.concat([rows, skipped], how="diagonal").with_columns(pl.col("line") + first_line)


def _with_other_fields(block: bytes, places: np.ndarray, separator: str) -> list[tuple[int, str]]:
    """Return place and text of those of the lines that hold more than separators, which make a blank line."""
    lines = valid_utf8(block).decode().split("\n")
    return [(place, lines[place]) for place in places.tolist() if lines[place].strip(f'{separator}" \t')]


def _parse(
    block: bytes, names: list[str], wanted: list[str], separator: str, quoted: bool
) -> tuple[pa.Table, list[tuple[int, str]]]:
    """Return the wanted columns of the lines with all fields as text, and place (from 0) and text of the others."""
    invalid: list[tuple[int, str]] = []

    def skip(row: arrow_csv.InvalidRow) -> str:
        invalid.append((row.number - 1, row.text))
        return "skip"

    table = arrow_csv.read_csv(
        pa.BufferReader(block),
        arrow_csv.ReadOptions(column_names=names, use_threads=False, block_size=len(block)),
        arrow_csv.ParseOptions(
            delimiter=separator,
            quote_char='"' if quoted else False,
            ignore_empty_lines=False,
            invalid_row_handler=skip,
        ),
        arrow_csv.ConvertOptions(
            column_types=dict.fromkeys(wanted, pa.string()), include_columns=wanted, null_values=[]
        ),
    )
    return table, invalid


def _without_blank_lines(block: bytes) -> tuple[bytes, np.ndarray]:
    """Return the text without its empty lines, and the numbers of the lines that are left, from 0."""
    if b"\n\n" not in block and not block.startswith(b"\n"):
        return block, np.arange(block.count(b"\n"))
    characters = np.frombuffer(block, np.uint8)
    ends = np.flatnonzero(characters == ord("\n"))
    is_empty = np.diff(ends, prepend=-1) == 1
    return np.delete(characters, ends[is_empty]).tobytes(), np.flatnonzero(~is_empty)
