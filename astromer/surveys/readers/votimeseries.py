"""Reader of dumps with one VOTimeseries XML file per object."""

import re
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal

import polars as pl
from pydantic import AfterValidator, Field

from astromer.config.section import Positive
from astromer.config.surveys import Options as _Options
from astromer.errors import InputError
from astromer.surveys.catalog import position_from_id
from astromer.surveys.compression import without_compression
from astromer.surveys.losses import Losses
from astromer.surveys.reading import (
    JD_OF_MJD_ZERO,
    TIME_ORIGIN,
    PathPattern,
    RawBatch,
    TimeOrigin,
    mark_missing,
    members_of_part,
    relabel,
    to_mjd,
    with_positions,
)
from astromer.surveys.sources import iter_members, unix_lines
from astromer.surveys.xml_rows import parse_rows

BLOCK_BYTES = 16_000_000  # XML parsed at once: large enough to be fast, small enough to bound the memory
FIELDS = ["t", "m", "m_err"]
MAX_HEAD_BYTES = 1_000_000  # of a file without its tables: the parser takes about a hundred times its size


class _UnreadableError(Exception):
    """The file is not a VOTimeseries; the message says why."""


@dataclass
class Star:
    """Content of one file, with the observations not yet parsed.

    Attributes:
        id, file, band, ra, dec: as in `OBJECT_SCHEMA`.
        label: class as spelled in the file.
        tables: the rows of each table as XML, and the line (from 1) on which they start.
        lost: number of rows that are not in `tables`, by the rule that rejects them.
        error: why the file could not be read; the id is then the file's name, and the other attributes are unknown.
    """

    id: str
    file: str
    label: str | None = None
    band: str | None = None
    ra: str | None = None
    dec: str | None = None
    tables: list[tuple[bytes, int]] = field(default_factory=list)
    lost: Counter[str] = field(default_factory=Counter)
    error: str | None = None


def _has_one_group(pattern: str) -> str:
    try:
        groups = re.compile(pattern).groups
    except re.error as error:
        raise ValueError(f"is {pattern!r}; expected a regular expression ({error})") from error
    if groups != 1:
        raise ValueError(f"is {pattern!r}, with {groups} groups; expected one in parentheses, the id")
    return pattern


class VotimeseriesOptions(_Options):
    """One VOTimeseries XML file per object."""

    one_file_per_object = True
    scattered = True

    light_curves: PathPattern = Field(
        description="Paths of the files inside the source; `*` is any text without `/`, `**/` any folders. Files may "
        "be compressed (.gz, .xz, .bz2, .zst), the suffix being part of the path."
    )
    bands: Annotated[dict[str, str], Field(min_length=1)] = Field(
        description="The bands kept: the part of the tables' names before the colon, and our names for them."
    )
    id_from: Literal["file_name", "id", "description"] = Field(
        "file_name",
        description="Source of the id: name of the file (without suffix), element ID, or description of the position.",
    )
    id_pattern: Annotated[str, AfterValidator(_has_one_group)] = Field(
        "(.+)", description="Regular expression; its one group is the id."
    )
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
    max_file_mb: Positive = Field(32, description="Largest file of a star [MB, decompressed].")


Options = VotimeseriesOptions


def read(
    options: VotimeseriesOptions, *, name: str, source: Path, seed: int | None, part: int, parts: int
) -> Iterator[RawBatch]:
    """Yield the objects and observations of every `parts`-th file of the dump, in blocks."""
    losses, members = Losses(), partial(iter_members, max_mb=options.max_file_mb)
    stars, size = [], 0
    for file, content in members_of_part(source, options.light_curves, part, parts, members=members, lost=losses.add):
        star = read_star(file, content, options)
        for rule, count in star.lost.items():
            losses.add("observation", rule, count, id=star.id, file=file)
        if options.other_classes == "leave_out" and not star.error and star.label not in options.labels:
            num_rows = sum(_num_rows(data) for data, _ in star.tables)
            losses.add("object", "other class", id=star.id, file=file, text=star.label)
            losses.add("observation", "of a rejected object", num_rows, id=star.id, file=file)
            continue
        stars.append(star)
        size += sum(len(data) for data, _ in star.tables)
        if size >= BLOCK_BYTES:
            yield _batch(stars, options)
            stars, size = [], 0
    if stars:
        yield _batch(stars, options)
    yield RawBatch.of(losses=losses.table())


def read_star(file: str, content: bytes, options: VotimeseriesOptions) -> Star:
    """Read one file; its rows stay XML, because parsing those of many files together is faster."""
    try:
        return _read_star(file, unix_lines(content), options)
    except _UnreadableError as error:
        return Star(_stem(file), file, error=str(error))


def _read_star(file: str, content: bytes, options: VotimeseriesOptions) -> Star:
    rest, data = _cut_out_rows(content)
    before, _, features = rest.partition(b"<Features>")  # large, and not needed
    head = before + features.partition(b"</Features>")[2]
    if len(head) > MAX_HEAD_BYTES:
        raise _UnreadableError(f"the file has {len(head):,} bytes outside of its tables, expected a few thousand")
    root = _parse_xml(head)
    tables = list(root.iter("TABLE"))
    if not len(tables) == len(data) == sum(1 for _ in root.iter("TABLEDATA")):
        raise _UnreadableError("the file's TABLE and TABLEDATA elements are not one in another")
    kept, bands, lost = {}, set(), Counter({"outside of a table": _num_rows(head)})
    for table, (rows, line) in zip(tables, data, strict=True):
        band = table.get("name", "").partition(":")[0]
        if band in options.bands:
            fields = [column.get("name") for column in table.iter("FIELD")]
            if fields != FIELDS:
                raise _UnreadableError(f"a table has the fields {fields}, expected {FIELDS}")
            bands.add(options.bands[band])
            blank = len(rows) - len(rows.lstrip())
            if (content := rows.strip()) in kept:
                lost["table repeated"] += _num_rows(rows)
            else:
                kept[content] = line + rows.count(b"\n", 0, blank)
        else:
            lost["other band"] += _num_rows(rows)
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
        lost=lost,
    )


def _num_rows(rows: bytes) -> int:
    return rows.count(b"<TR")


def _cut_out_rows(content: bytes) -> tuple[bytes, list[tuple[bytes, int]]]:
    """Return the file without the contents of its TABLEDATA elements, and each content with its first line number."""
    opening, closing = b"<TABLEDATA>", b"</TABLEDATA>"
    rest, data, end, line = [], [], 0, 1
    while (start := content.find(opening, end)) >= 0:
        start += len(opening)
        stop = content.find(closing, start)
        if stop < 0:
            raise _UnreadableError("the file ends within a table")
        rest.append(content[end:start])
        line += content.count(b"\n", end, start)
        data.append((content[start:stop], line))
        line += content.count(b"\n", start, stop)
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
        "file_name": _stem(file),
        "id": root.findtext("ID", ""),
        "description": root.findtext("WhereWhen/Description", ""),
    }
    text = texts[options.id_from].strip()
    found = re.search(options.id_pattern, text)
    if not found or not found[1]:
        raise _UnreadableError(f"no id like {options.id_pattern!r} in the {options.id_from} {text!r}")
    return found[1]


def _stem(file: str) -> str:
    return PurePosixPath(without_compression(file)).stem


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
    objects = with_positions(objects, f"VOTimeseries files {stars[0].file} to {stars[-1].file}")
    tables = [(index, data, line) for index, star in enumerate(stars) for data, line in star.tables]
    errors = [(index, star.error) for index, star in enumerate(stars) if star.error]
    unreadable = pl.DataFrame(errors, schema={"star": pl.UInt32, "text": pl.String}, orient="row")
    rows = pl.concat([parse_rows(tables), unreadable], how="diagonal")
    rows = rows.with_columns(*objects["id", "file"][rows["star"]], *mark_missing(options.missing_values))
    judged_by = pl.col("time").median().over("star")
    return RawBatch.of(objects, rows.with_columns(mjd=to_mjd(pl.col("time"), options.time_origin_jd, judged_by)))
