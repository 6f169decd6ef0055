"""Slow and simple parsers of the four formats, each line by itself in plain Python; they share nothing with readers.

Each takes the files of a dump in the layout of `fuzz_readers.py`, and returns the rows and the number of lines.
"""

import html
import math
import re
import struct

Row = tuple[str, float, float, float]
Dump = dict[str, bytes]


def number(text: str) -> float:
    """The number that a field holds, NaN for a blank; ValueError for anything else."""
    text = text.strip(" \t\r\x0b\x0c")
    if not text:
        return math.nan
    if not re.fullmatch(
        r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]?(inf|infinity|nan)", text, re.IGNORECASE | re.ASCII
    ):
        raise ValueError(text)
    return float(text)


def lines_of(content: bytes) -> list[str]:
    text = content.replace(b"\r\n", b"\n").replace(b"\r", b"\n").decode("utf-8", "backslashreplace")
    return text.split("\n")


def numbers_of(fields: list[str]) -> list[float] | None:
    try:
        return [number(field) for field in fields]
    except ValueError:
        return None


def parse_files(dump: Dump) -> tuple[list[Row], int]:
    rows, lines = [], 0
    for name, content in dump.items():
        star = re.fullmatch(r"LCs/([^/]+)\.dat", name)
        for line in [line for line in lines_of(content) if line.strip()][1:] if star else []:
            fields = line.split(",")
            found = numbers_of(fields) if len(fields) == 3 and all(field.strip() for field in fields) else None
            lines += 1
            if found:
                rows.append((star[1], *found))
    return rows, lines


def parse_separated(dump: Dump, separator: str, names: list[str] | None, columns: list[str]) -> tuple[list[Row], int]:
    """Parse tables; `columns` are those of id parts, time, magnitude and error, the last three of them numbers."""
    rows, lines = [], 0
    for name, content in dump.items():
        if not name.endswith(".csv") or name == "catalog.csv":
            continue
        first, *others = lines_of(content)
        header = first.split(separator) if names is None else names
        for line in others if names is None else [first, *others]:
            fields = line.split(separator)
            if not line.strip() or (
                len(fields) == len(header) and not any(fields[header.index(c)].strip() for c in columns)
            ):
                continue
            lines += 1
            if len(fields) != len(header):
                continue
            of = dict(zip(header, (field.strip() for field in fields), strict=True))
            parts, found = [of[c] for c in columns[:-3]], numbers_of([of[c] for c in columns[-3:]])
            is_id = all(parts) and (len(parts) == 1 or not any("." in part for part in parts))
            if found and is_id and of.get("band", "V") == "V":
                rows.append((".".join(parts), *found))
    return rows, lines


def parse_table(dump: Dump) -> tuple[list[Row], int]:
    return parse_separated(dump, ",", None, ["id", "mjd", "mag", "err"])


def parse_macho(dump: Dump) -> tuple[list[Row], int]:
    names = [str(place) for place in range(1, 40)]
    return parse_separated(dump, ";", names, ["2", "3", "4", "5", "10", "11"])


def parse_votimeseries(dump: Dump) -> tuple[list[Row], int]:
    """Find rows of exactly three plain cells; a file that is damaged elsewhere may be refused as a whole."""
    rows = []
    for name, content in dump.items():
        text = content.replace(b"\r\n", b"\n").replace(b"\r", b"\n").decode("utf-8", "replace")
        for row in re.findall(r"<TR\b[^<>]*>((?:\s*<TD\b[^<>]*>[^<]*</TD>)*)\s*</TR>", text):
            found = numbers_of([html.unescape(cell) for cell in re.findall(r"<TD\b[^<>]*>([^<]*)</TD>", row)])
            if found and len(found) == 3:
                rows.append((name.removesuffix(".xml"), *found))
    return rows, 0


PARSERS = {"files": parse_files, "table": parse_table, "macho": parse_macho, "votimeseries": parse_votimeseries}


def judge(rows: list[Row]) -> set[Row]:
    """The rows that no filter rejects; of equal times, any is right."""
    kept = set()
    for star, mjd, mag, err in rows:
        rounded = single(mag), single(err)
        if -1e5 <= mjd <= 3e5 and -50 <= rounded[0] <= 50 and 0 < rounded[1] < 1:
            kept.add((star, mjd, *rounded))
    return kept


def single(value: float) -> float:
    """Round to single precision."""
    try:
        return struct.unpack("f", struct.pack("f", value))[0]
    except OverflowError:
        return math.copysign(math.inf, value)
