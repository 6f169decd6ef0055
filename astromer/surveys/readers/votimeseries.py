"""Reader of dumps with one VOTimeseries XML file per object."""

import html
import logging
import re
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal

import numpy as np
import polars as pl
import pyarrow as pa
from pyarrow import csv
from pydantic import Field

from astromer.config.surveys import Options as _Options
from astromer.errors import InputError
from astromer.surveys.catalog import position_from_id
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
from astromer.surveys.sources import iter_members, unix_lines

logger = logging.getLogger(__name__)

BLOCK_BYTES = 16_000_000  # XML parsed at once: large enough to be fast, small enough to bound the memory
FIELDS = ["t", "m", "m_err"]
ROW_SCHEMA = {"star": pl.UInt32, "line": pl.UInt32, **dict.fromkeys(NUMBERS, pl.Float64), "text": pl.String}

_COMMENT = re.compile(rb"<!--.*?-->", re.DOTALL)
_ROW = re.compile(rb"<TR\b[^>]*>(?:(?!<TR\b).)*?</TR>", re.DOTALL)
_CELL = re.compile(rb"<TD\b[^>]*?(?:/>|>(.*?)</TD>)", re.DOTALL)


class _UnreadableError(Exception):
    """The file is not a VOTimeseries; the message says why."""


@dataclass
class Star:
    """Content of one file, with the observations not yet parsed.

    Attributes:
        id, file, band, ra, dec: as in `OBJECT_SCHEMA`.
        label: class as spelled in the file.
        tables: the rows of each table as XML, and the line (from 1) on which they start.
        error: why the file could not be read; the id is then the file's name, and the other attributes are unknown.
    """

    id: str
    file: str
    label: str | None = None
    band: str | None = None
    ra: str | None = None
    dec: str | None = None
    tables: list[tuple[bytes, int]] = field(default_factory=list)
    error: str | None = None


class VotimeseriesOptions(_Options):
    """One VOTimeseries XML file per object."""

    one_file_per_object = True
    scattered = True

    light_curves: str = Field(
        description="Paths of the files inside the source; `*` is any text without `/`, `**/` any folders."
    )
    bands: Annotated[dict[str, str], Field(min_length=1)] = Field(
        description="The bands kept: the part of the tables' names before the colon, and our names for them."
    )
    id_from: Literal["file_name", "id", "description"] = Field(
        "file_name",
        description="Source of the id: name of the file (without suffix), element ID, or description of the position.",
    )
    id_pattern: str = Field("(.+)", description="Regular expression; its one group is the id.")
    position_from_id: bool = Field(
        False,
        description="Take the position from an id such as `174259-3517.7` (hhmmss, then ddmm.m) instead of the file.",
    )
    labels: dict[str, str] = Field(
        {}, description="Our names for the dump's class names; a class without an entry keeps its name."
    )
    other_classes: Literal["keep", "leave_out"] = Field(
        "keep",
        description="Use of objects whose class is no key of `labels`; `leave_out` separates surveys in one folder.",
    )
    time_origin_jd: TimeOrigin = Field(JD_OF_MJD_ZERO, description=TIME_ORIGIN)
    missing_values: list[float] = Field([], description="Magnitudes and errors that mark a missing value.")


Options = VotimeseriesOptions


def read(
    options: VotimeseriesOptions, *, name: str, source: Path, seed: int | None, part: int, parts: int
) -> Iterator[RawBatch]:
    """Yield the objects and observations of every `parts`-th file of the dump, in blocks."""
    left_out: Counter[str | None] = Counter()
    stars, size = [], 0
    for file, content in members_of_part(source, options.light_curves, part, parts, members=iter_members):
        star = read_star(file, content, options)
        if options.other_classes == "leave_out" and not star.error and star.label not in options.labels:
            left_out[star.label] += 1
            continue
        stars.append(star)
        size += sum(len(data) for data, _ in star.tables)
        if size >= BLOCK_BYTES:
            yield _batch(stars, options)
            stars, size = [], 0
    if stars:
        yield _batch(stars, options)
    if left_out:
        logger.info("%s, part %d: left out the files of other classes: %s", name, part + 1, dict(left_out))


def read_star(file: str, content: bytes, options: VotimeseriesOptions) -> Star:
    """Read one file; its rows stay XML, because parsing those of many files together is faster."""
    try:
        return _read_star(file, unix_lines(content), options)
    except _UnreadableError as error:
        return Star(PurePosixPath(file).stem, file, error=str(error))


def _read_star(file: str, content: bytes, options: VotimeseriesOptions) -> Star:
    rest, data = _cut_out_rows(content)
    before, _, features = rest.partition(b"<Features>")  # large, and not needed
    root = _parse_xml(before + features.partition(b"</Features>")[2])
    tables = list(root.iter("TABLE"))
    if not len(tables) == len(data) == sum(1 for _ in root.iter("TABLEDATA")):
        raise _UnreadableError("the file's TABLE and TABLEDATA elements are not one in another")
    kept, bands = {}, set()
    for table, (rows, line) in zip(tables, data, strict=True):
        band = table.get("name", "").partition(":")[0]
        if band in options.bands:
            fields = [column.get("name") for column in table.iter("FIELD")]
            if fields != FIELDS:
                raise _UnreadableError(f"a table has the fields {fields}, expected {FIELDS}")
            bands.add(options.bands[band])
            blank = len(rows) - len(rows.lstrip())
            kept.setdefault(rows.strip(), line + rows.count(b"\n", 0, blank))  # a repeated table is read once
    if len(bands) > 1:
        raise InputError(f"{file}: has tables of {' and '.join(sorted(bands))}; expected one band (votimeseries.bands)")
    return Star(
        _object_id(root, file, options),
        file,
        label=_label(root),
        band=bands.pop() if bands else None,
        ra=root.findtext(".//Position2D/Value2/c1"),
        dec=root.findtext(".//Position2D/Value2/c2"),
        tables=[(rows, line) for rows, line in kept.items() if rows],
    )


def _cut_out_rows(content: bytes) -> tuple[bytes, list[tuple[bytes, int]]]:
    """Return the file without the contents of its TABLEDATA elements, and each content with its first line number."""
    opening, closing = b"<TABLEDATA>", b"</TABLEDATA>"
    rest, data, end = [], [], 0
    while (start := content.find(opening, end)) >= 0:
        start += len(opening)
        stop = content.find(closing, start)
        if stop < 0:
            raise _UnreadableError("the file ends within a table")
        rest.append(content[end:start])
        data.append((content[start:stop], content.count(b"\n", 0, start) + 1))
        end = stop
    return b"".join([*rest, content[end:]]), data


def _parse_xml(content: bytes) -> ET.Element:
    """Parse XML, but refuse a DOCTYPE: the entities it may declare could make a small file fill the memory."""
    if b"<!DOCTYPE" in content:
        raise _UnreadableError("the file has a DOCTYPE, expected plain XML")
    if (
        b"\0" in content
    ):  # UTF-16, in which a DOCTYPE would go unnoticed; the parser is set to UTF-8 for the same reason
        raise _UnreadableError("not XML in UTF-8 (it has bytes of zero)")
    try:
        return ET.fromstring(content, ET.XMLParser(encoding="utf-8"))
    except ET.ParseError as error:
        raise _UnreadableError(f"not XML in UTF-8 ({error})") from error


def _object_id(root: ET.Element, file: str, options: VotimeseriesOptions) -> str:
    texts = {
        "file_name": PurePosixPath(file).stem,
        "id": root.findtext("ID", ""),
        "description": root.findtext("WhereWhen/Description", ""),
    }
    text = texts[options.id_from].strip()
    found = re.search(options.id_pattern, text)
    if not found:
        raise _UnreadableError(f"no id like {options.id_pattern!r} in the {options.id_from} {text!r}")
    return found[1]


def _label(root: ET.Element) -> str | None:
    """Return the innermost class of the last classification."""
    classifications = [element for element in root.iter() if element.tag.lower() == "classification"]
    innermost = classifications[-1] if classifications else None
    while innermost is not None and (inner := innermost.find("class")) is not None:
        innermost = inner
    return None if innermost is None else innermost.get("name")


def _batch(stars: list[Star], options: VotimeseriesOptions) -> RawBatch:
    columns = {"id": "id", "file": "file", "class": "label", "band": "band", "ra": "ra", "dec": "dec"}
    objects = pl.DataFrame(
        {ours: [getattr(star, theirs) for star in stars] for ours, theirs in columns.items()},
        schema=dict.fromkeys(columns, pl.String),
    ).with_columns(relabel(options.labels))
    if options.position_from_id:
        objects = objects.with_columns(position_from_id("id", options.light_curves))
    check_positions(objects, f"VOTimeseries files {stars[0].file} to {stars[-1].file}")
    tables = [(index, data, line) for index, star in enumerate(stars) for data, line in star.tables]
    errors = [(index, star.error) for index, star in enumerate(stars) if star.error]
    unreadable = pl.DataFrame(errors, schema={"star": pl.UInt32, "text": pl.String}, orient="row")
    rows = pl.concat([parse_rows(tables), unreadable], how="diagonal")
    rows = rows.with_columns(*objects["id", "file"][rows["star"]], *mark_missing(options.missing_values))
    judged_by = pl.col("time").median().over("star")
    return RawBatch.of(objects, rows.with_columns(mjd=to_mjd(pl.col("time"), options.time_origin_jd, judged_by)))


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
    if b"<!" in text:
        return None
    # <TR row='1'><TD>51869.5</TD><TD>12.7</TD><TD>0.03</TD></TR> becomes <TR row='1'>;51869.5;12.7;0.03;
    text = text.replace(b"</TD><TD>", b";").replace(b"<TD>", b";").replace(b"</TD></TR>", b";")
    try:
        table = csv.read_csv(
            pa.BufferReader(text),
            csv.ReadOptions(column_names=["start", *NUMBERS, "end"], block_size=BLOCK_BYTES),
            csv.ParseOptions(delimiter=";", quote_char=False, ignore_empty_lines=False),
            csv.ConvertOptions(
                column_types=dict.fromkeys(NUMBERS, pa.float64()), include_columns=NUMBERS, null_values=[]
            ),
        )
    except pa.ArrowInvalid:
        return None
    counts = np.array([data.count(b"\n") + 1 for _, data, _ in tables])
    first_rows = np.repeat(counts.cumsum() - counts, counts)
    first_lines = np.repeat([line for _, _, line in tables], counts)
    origin = {"star": np.repeat([star for star, _, _ in tables], counts), "line": np.arange(len(table)) - first_rows}
    return pl.DataFrame(origin).select(
        pl.col("star").cast(pl.UInt32),
        (pl.col("line") + first_lines).cast(pl.UInt32),
        *from_arrow(table),
        text=pl.lit(None, pl.String),
    )


def _parse_row_by_row(star: int, data: bytes, line: int) -> pl.DataFrame:
    data = _COMMENT.sub(lambda comment: b"\n" * comment[0].count(b"\n"), data)
    found, end = [], 0
    for row in _ROW.finditer(data):
        found += [(data[end : row.start()], end), (row[0], row.start())]
        end = row.end()
    rows = []
    for text, offset in [*found, (data[end:], end)]:
        if stripped := text.strip():
            start = offset + text.index(stripped)
            cells = [html.unescape(cell.decode("utf-8", "replace")).strip() or "nan" for cell in _CELL.findall(text)]
            numbers = cells if len(cells) == len(NUMBERS) else [None] * len(NUMBERS)
            rows.append((star, line + data.count(b"\n", 0, start), *numbers, stripped.decode("utf-8", "replace")))
    return only_whole(pl.DataFrame(rows, schema=ROW_SCHEMA | dict.fromkeys(NUMBERS, pl.String), orient="row"))
