"""Light curves in TFRecord files of `SequenceExample`s, and the manifest beside them.

The layout is that of the released code, so that each code can read the other's files: context ID, Class, Band, Label,
shard; one float list each of mjd, mag, errmag. float32 resolves a modified Julian date only to 5.6 minutes. Our files
therefore have a fourth list, `mjd_low`, with the remainder: the sum of both is accurate to 1e-8 days, and readers that
do not know the list ignore it. An object of several bands is one record per band, in sequence; all but the first have
the context `offset`, the number of the object's observations before them.
"""

import json
import struct
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import google_crc32c
import numpy as np
import polars as pl

from astromer.data.pieces import light_curve_key, light_curve_spans
from astromer.errors import InputError
from astromer.files import atomic_path, sha256_of, write_json

UNLABELLED = -1
ROWS_AT_ONCE = 2**18  # observations read and encoded at once: bounds the memory
OBJECT_COLUMNS = ("id", "class", "band", "shard")
OBSERVATION_COLUMNS = ("id", "mjd", "mag", "err_mag")
_COLUMNS = ("mjd", "mag", "errmag", "mjd_low")
_MANIFEST_FORMAT = "astromer-records-1"


@dataclass(frozen=True)
class RecordFile:
    """The entry of one file of records in a manifest."""

    path: Path
    objects: int
    observations: int
    sha256: str


# Protocol buffers. Encoding them here is ten times as fast as with `tf.train.SequenceExample`, which the tests use to
# decode them.


def _varint(number: int) -> bytes:
    """Encode an integer; a negative one as 64-bit two's complement, as the format requires."""
    number &= 2**64 - 1
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)


def _field(number: int, *content: bytes) -> bytes:
    """Encode a length-delimited field: a string, a packed list or a message."""
    return b"".join((_varint(number << 3 | 2), _varint(sum(map(len, content))), *content))


def _entry(key: str, value: bytes) -> bytes:
    """Encode one entry of a map from names to messages."""
    return _field(1, _field(1, key.encode()), _field(2, value))


def _bytes_feature(key: str, text: str) -> bytes:
    return _entry(key, _field(1, _field(1, text.encode())))


def _int64_feature(key: str, number: int) -> bytes:
    return _entry(key, _field(3, _field(1, _varint(number))))


@lru_cache(maxsize=4096)
def _shared_context(class_name: str, band: str, label: int, shard: int) -> bytes:
    """Encode the features that many light curves have in common."""
    return b"".join(
        (
            _bytes_feature("Class", class_name),
            _bytes_feature("Band", band),
            _int64_feature("Label", label),
            _int64_feature("shard", shard),
        )
    )


@lru_cache(maxsize=4096)
def _column_headers(length: int) -> tuple[bytes, ...]:
    """Encode the bytes that precede the float32 data of each column of `length` observations."""
    data = bytes(4 * length)
    columns = [_entry(name, _field(1, _field(2, _field(1, data)))) for name in _COLUMNS]
    headers = [column[: -len(data)] for column in columns]
    feature_lists = _field(2, *columns)
    return feature_lists[: -sum(map(len, columns))] + headers[0], *headers[1:]


def _encode(name: str, shared_context: bytes, offset: int, columns: Sequence[Any]) -> bytes:
    """Encode one light curve as a serialized `SequenceExample`; `columns` are buffers in the order of `_COLUMNS`."""
    place = _int64_feature("offset", offset) if offset else b""
    context = _field(1, _bytes_feature("ID", name), shared_context, place)
    headers = _column_headers(len(columns[0]))
    return b"".join((context, *(part for pair in zip(headers, columns, strict=True) for part in pair)))


# Writing


def _framed(record: bytes) -> tuple[bytes, bytes, bytes, bytes]:
    """Return the parts of one record in a TFRecord file: length, its checksum, the record, its checksum."""
    length = struct.pack("<Q", len(record))
    return length, _masked_crc32c(length), record, _masked_crc32c(record)


def _masked_crc32c(content: bytes) -> bytes:
    """Return the checksum of `content`, masked as the TFRecord format defines it."""
    crc = google_crc32c.value(content)
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)


def write_records(
    observations: pl.DataFrame | pl.LazyFrame,
    objects: pl.DataFrame,
    path: Path,
    *,
    classes: Sequence[str] | None = None,
) -> RecordFile:
    """Write one file of records atomically, one record per light curve of the `objects`, sorted by id.

    Args:
        observations: `id`, `mjd` [days], `mag`, `err_mag`, sorted by id and mjd; other objects are skipped. With the
            column `band`, by which they are sorted after the id, each band is a light curve. A lazy frame, such as
            `polars.scan_parquet(file)`, is read in pieces, in memory independent of the file's size.
        objects: `id`, `class` (null: unknown), `band` (null: unknown), `shard`.
        path: file to write.
        classes: classes in the order of the labels: the label of an object is the index of its class. None writes the
            label -1 for all.

    Raises:
        InputError: a column is missing; an object is listed twice, has no observation, or a class that is not one of
            `classes`; observations are not sorted or not finite.
    """
    observations = observations.lazy()
    for columns, wanted in ((objects.columns, OBJECT_COLUMNS), (observations.collect_schema(), OBSERVATION_COLUMNS)):
        if missing := set(wanted).difference(columns):
            raise InputError(f"{path}: cannot be written: a table lacks {sorted(missing)}; expected {list(wanted)}")
    columns = [*OBSERVATION_COLUMNS, *(name for name in observations.collect_schema() if name == "band")]
    described = _describe(objects, classes, path)
    written, total = [described["id"].clear()], 0
    with atomic_path(path) as temporary:
        with temporary.open("wb") as file:
            for rows in _whole_objects(observations.select(columns), path):
                spans = _spans(rows, described)
                written.append(spans["id"])
                total += int(spans["length"].sum())
                for record in _encode_objects(rows, spans):
                    file.writelines(_framed(record))
        empty = described["id"].filter(~described["id"].is_in(pl.concat(written).implode()))
        if len(empty):
            raise InputError(f"{path}: {len(empty)} objects have no observation, the first being {empty[0]!r}")
        checksum = sha256_of(temporary)
    return RecordFile(Path(path), len(described), total, checksum)


def _describe(objects: pl.DataFrame, classes: Sequence[str] | None, path: Path) -> pl.DataFrame:
    """Return the columns of a record that describe its object."""
    twice = objects["id"].filter(objects["id"].is_duplicated())
    if len(twice):
        raise InputError(f"{path}: objects are listed twice, the first being {twice[0]!r}")
    named = objects.select("id", pl.col("class", "band").cast(pl.String), "shard")
    if classes is None:
        labelled = named.with_columns(label=pl.lit(UNLABELLED))
    else:
        order = pl.DataFrame({"class": classes, "label": range(len(classes))}, {"class": pl.String, "label": pl.Int64})
        labelled = named.join(order, on="class", how="left", maintain_order="left")
        unknown = labelled.filter(pl.col("label").is_null())
        if len(unknown):
            raise InputError(
                f"{path}: {len(unknown)} objects are of no known class, the first being {unknown['id'][0]!r} "
                f"of class {unknown['class'][0]!r}; expected one of {list(classes)}"
            )
    return labelled.with_columns(pl.col("class", "band").fill_null(""))


def _whole_objects(observations: pl.LazyFrame, path: Path) -> Iterator[pl.DataFrame]:
    """Yield the observations in pieces of whole objects, checked."""
    waiting = pl.DataFrame(schema=observations.collect_schema())
    for first in range(0, observations.select(pl.len()).collect().item(), ROWS_AT_ONCE):
        rows = pl.concat([waiting, observations.slice(first, ROWS_AT_ONCE).collect()])
        _check_rows(rows, path)
        is_last = rows["id"] == rows["id"][-1]
        waiting = rows.filter(is_last)
        yield rows.filter(~is_last)
    yield waiting


def _check_rows(rows: pl.DataFrame, path: Path) -> None:
    """Raise InputError unless all values are finite and the rows sorted."""
    mjd, mag, err_mag = (rows[name].to_numpy() for name in OBSERVATION_COLUMNS[1:])
    descending, same = np.zeros(max(rows.height - 1, 0), bool), np.ones(max(rows.height - 1, 0), bool)
    for name in light_curve_key(rows.columns):
        before, after = rows[name][:-1], rows[name][1:]
        descending |= same & (after < before).to_numpy()
        same &= (after == before).to_numpy()
    for wrong, wanted in (
        (~(np.isfinite(mjd) & np.isfinite(mag) & np.isfinite(err_mag)), "finite mjd, mag and err_mag"),
        (descending | same & (mjd[1:] < mjd[:-1]), "observations sorted by id, band and mjd"),
    ):
        if wrong.any():
            name = rows["id"][int(wrong.argmax())]
            raise InputError(f"{path}: expected {wanted}; {wrong.sum()} rows are wrong, the first one of {name!r}")


def _spans(rows: pl.DataFrame, described: pl.DataFrame) -> pl.DataFrame:
    """Return the spans of the light curves of described objects, and the descriptions, with the band of each span."""
    spans = light_curve_spans(rows)
    described = described.drop("band") if "band" in spans.columns else described
    return spans.join(described, on="id", how="inner", maintain_order="left")


def _encode_objects(rows: pl.DataFrame, spans: pl.DataFrame) -> Iterator[bytes]:
    """Yield the record of each light curve of `spans`."""
    mjd, mag, err_mag = (rows[name].to_numpy() for name in OBSERVATION_COLUMNS[1:])
    high = mjd.astype("<f4")
    columns = (high, mag.astype("<f4"), err_mag.astype("<f4"), (mjd - high).astype("<f4"))
    for name, class_name, band, label, shard, first, length, offset in spans.select(
        "id", "class", "band", "label", "shard", "first", "length", "offset"
    ).iter_rows():
        shared_context = _shared_context(class_name, band, label, shard)
        yield _encode(name, shared_context, offset, [column[first : first + length] for column in columns])


# The manifest


def write_manifest(path: Path, files: Sequence[RecordFile], classes: Sequence[str] | None) -> None:
    """Write the manifest of record files in its folder or below: counts, checksums and order of the labels."""
    folder = Path(path).parent
    entries = [{**asdict(file), "path": file.path.relative_to(folder).as_posix()} for file in files]
    write_json(
        path,
        {
            "format": _MANIFEST_FORMAT,
            "classes": None if classes is None else list(classes),
            "objects": sum(file.objects for file in files),
            "observations": sum(file.observations for file in files),
            "files": entries,
        },
    )


@dataclass(frozen=True)
class Manifest:
    """Content of a manifest, with paths relative to its folder already resolved."""

    classes: tuple[str, ...] | None
    files: tuple[RecordFile, ...]

    @property
    def paths(self) -> list[Path]:
        """Paths of the files, in the order in which they were written."""
        return [file.path for file in self.files]

    @property
    def objects(self) -> int:
        """Number of objects; one with several bands counts once."""
        return sum(file.objects for file in self.files)


def read_manifest(path: Path, *, verify: bool = False) -> Manifest:
    """Read a manifest and check that its files exist; with `verify`, also check their checksums.

    Raises:
        InputError: the file is no manifest, its totals disagree, or a listed file is missing or (`verify`) differs.
    """
    path = Path(path)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["format"] != _MANIFEST_FORMAT:
            raise InputError(f"{path}: the format is {content['format']!r}; expected {_MANIFEST_FORMAT!r}")
        classes = None if content["classes"] is None else tuple(content["classes"])
        files = tuple(RecordFile(**{**entry, "path": path.parent / entry["path"]}) for entry in content["files"])
        totals = {key: (content[key], sum(getattr(file, key) for file in files)) for key in ("objects", "observations")}
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, KeyError, TypeError) as error:
        raise InputError(f"{path}: not a manifest of records: {error!r}") from error
    for key, (given, total) in totals.items():
        if total != given:
            raise InputError(f"{path}: {key} is {given}, but its files hold {total}")
    for file in files:
        if not file.path.is_file():
            raise InputError(f"{path}: lists {file.path}, which does not exist")
        if verify and sha256_of(file.path) != file.sha256:
            raise InputError(f"{file.path}: is not the file of {path}: its sha256 differs from {file.sha256}")
    return Manifest(classes, files)
