"""Reader of TFRecord files in both layouts of the released code, and in ours.

Published records repeat a light curve wherever it is in a set: in each fold and number of samples per class, and those
of ATLAS in several folders of classes. Each object is read once here, and its repetitions are counted.
"""

import hashlib
import struct
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import IO, Any

import google_crc32c
import numpy as np
import polars as pl
from pydantic import Field

from astromer.config.surveys import Options as _Options
from astromer.errors import InputError
from astromer.surveys.losses import Losses
from astromer.surveys.reading import (
    JD_OF_MJD_ZERO,
    TIME_ORIGIN,
    PathPattern,
    RawBatch,
    TimeOrigin,
    members_of_part,
    shard_of,
    to_mjd,
)

LAYOUTS = (("ID", "Label", ("mjd", "mag", "errmag")), ("id", "label", ("dim_0", "dim_1", "dim_2")))
BLOCK_OBJECTS = 1_000
CRC_DELTA = 0xA282EAD8  # TFRecord files hold rotated and shifted checksums

Record = dict[str, Any]


class RecordsOptions(_Options):
    """TFRecord files of `SequenceExample`s, as the released code writes and reads them. Every shard reads all files."""

    records: PathPattern = Field(
        "**/*.record",
        description="Paths of the files inside the source; `*` is any text without `/`, `**/` any folders. An object "
        "has one record: those that this code writes with `bands: each`, one per band, are not read.",
    )
    classes: list[str] = Field(
        [],
        description="Classes in the order of the numbers in `Label`, for records without the text `Class`. The name of "
        "a folder is not read: in the published records of ATLAS it often is that of another class.",
    )
    band: str | None = Field(None, description="Band of records that name none.")
    time_origin_jd: TimeOrigin = Field(JD_OF_MJD_ZERO, description=TIME_ORIGIN)


Options = RecordsOptions


def read(
    options: RecordsOptions, *, name: str, source: Path, seed: int | None, part: int, parts: int
) -> Iterator[RawBatch]:
    """Yield the objects of one part with their observations, in blocks.

    Raises:
        InputError: a file is damaged, or two records of one id differ in class, band or light curve, as those of an
            object with several bands do.
    """
    losses, block = Losses(), []
    first_of: dict[str, tuple[bytes, str]] = {}
    for file, number, data in iter_records(options, source):
        where = f"{source}, {file}, record {number}"
        record: Record = {"file": file, **_decoded(data, where, options)}
        if shard_of(record["id"], parts) != part:
            continue
        digest = hashlib.blake2b(f"{record['class']}/{record['band']}/".encode() + record["numbers"].tobytes()).digest()
        if record["id"] not in first_of:
            first_of[record["id"]] = digest, file
            block.append(record)
        elif first_of[record["id"]][0] == digest:
            losses.add("object", "record repeated", id=record["id"], file=file)
        else:
            raise InputError(
                f"{where}: object {record['id']} has another record in {first_of[record['id']][1]}; expected equal "
                "ones (objects of several bands, one record per band, cannot be read)"
            )
        if len(block) == BLOCK_OBJECTS:
            yield _batch(block, options)
            block = []
    yield _batch(block, options)
    yield RawBatch.of(losses=losses.table())


def iter_records(options: RecordsOptions, source: Path) -> Iterator[tuple[str, int, bytes]]:
    """Yield file, number within the file (from 1) and content of every record.

    Raises:
        InputError: no file matches, or one is damaged.
    """
    for file, stream in members_of_part(source, options.records, 0, 1):
        for number, data in enumerate(_framed(stream, f"{source}, {file}"), start=1):
            yield file, number, data


def _framed(stream: IO[bytes], where: str) -> Iterator[bytes]:
    """Yield the records of one file: each has its length before it, and a checksum after the length and the content."""
    while head := stream.read(12):
        length = struct.unpack("<Q", head[:8])[0] if len(head) == 12 and _is_whole(head[:8], head[8:]) else None
        tail = stream.read(length + 4) if length is not None else b""
        if length is None or len(tail) != length + 4 or not _is_whole(tail[:-4], tail[-4:]):
            raise InputError(f"{where}: damaged, or no TFRecord file")
        yield tail[:-4]


def _is_whole(content: bytes, checksum: bytes) -> bool:
    crc = google_crc32c.value(content)
    return struct.pack("<I", ((crc >> 15 | crc << 17) + CRC_DELTA) & 0xFFFFFFFF) == checksum


def record_id(data: bytes, where: str) -> str:
    """Return the identifier of a record's object."""
    context = _parsed(data, where)[1]
    if name := next((name for layout in LAYOUTS if (name := _text(context, layout[0], where))), None):
        return name
    raise InputError(f"{where}: has no id")


def _parsed(data: bytes, where: str) -> tuple[Any, Any]:
    """Return the lists and the context of a record."""
    import tensorflow as tf
    from google.protobuf.message import DecodeError

    try:
        example = tf.train.SequenceExample.FromString(data)
    except DecodeError as error:
        raise InputError(f"{where}: is no SequenceExample ({error})") from error
    return example.feature_lists.feature_list, example.context.feature


def _decoded(data: bytes, where: str, options: RecordsOptions) -> Record:
    """Return id, class and band of a record, and its numbers `(3, observations)`: times, magnitudes, errors."""
    lists, context = _parsed(data, where)
    layout = next((layout for layout in LAYOUTS if all(column in lists for column in layout[2])), None)
    if layout is None:
        expected = " or ".join(", ".join(layout[2]) for layout in LAYOUTS)
        raise InputError(f"{where}: holds the lists {', '.join(sorted(lists))}; expected {expected}")
    id_key, label_key, columns = layout
    numbers: list[Any] = [_numbers(lists[column]) for column in columns]
    if "mjd_low" in lists:
        numbers[0] = numbers[0] + _numbers(lists["mjd_low"])
    if len({len(column) for column in numbers}) != 1 or not (object_id := _text(context, id_key, where)):
        raise InputError(f"{where}: expected an id and equally many times, magnitudes and errors")
    name = _text(context, "Class", where) or _class_of(context, label_key, where, options)
    return {
        "id": object_id,
        "class": name,
        "band": _text(context, "Band", where) or options.band,
        "numbers": np.array(numbers),
    }


def _numbers(feature_list: Any) -> np.ndarray:
    return np.fromiter(chain.from_iterable(each.float_list.value for each in feature_list.feature), np.float64)


def _text(context: Any, key: str, where: str) -> str | None:
    text = context[key].bytes_list.value[0] if key in context and context[key].bytes_list.value else None
    try:
        return None if text is None else text.decode()
    except UnicodeDecodeError:
        raise InputError(f"{where}: {key} is {text!r}, expected UTF-8") from None


def _class_of(context: Any, key: str, where: str, options: RecordsOptions) -> str | None:
    """Return the class that the number `key` stands for; None without a number or without `classes`."""
    if key not in context or not options.classes:
        return None
    labels = context[key].int64_list.value
    if len(labels) != 1:
        raise InputError(f"{where}: {key} has {len(labels)} integers, expected the number of a class (key `classes`)")
    if (label := labels[0]) < 0:
        return None
    if label >= len(options.classes):
        raise InputError(f"{where}: {key} is {label}, but `classes` has {len(options.classes)} names")
    return options.classes[label]


def _batch(block: list[Record], options: RecordsOptions) -> RawBatch:
    lengths = [record["numbers"].shape[1] for record in block]
    numbers = np.concatenate([np.empty((3, 0)), *(record["numbers"] for record in block)], axis=1)
    objects = pl.DataFrame(
        {key: [record[key] for record in block] for key in ("id", "file", "class", "band")},
        schema=dict.fromkeys(("id", "file", "class", "band"), pl.String),
    )
    rows = np.repeat(np.arange(len(block)), lengths)
    lines = np.concatenate([np.arange(0), *(np.arange(1, length + 1) for length in lengths)])
    columns = dict(zip(("mjd", "mag", "err_mag"), numbers, strict=True))
    observations = objects.select("id", "file")[rows].with_columns(line=pl.Series(lines), **columns, text=pl.lit(None))
    return RawBatch.of(objects, observations.with_columns(mjd=to_mjd(pl.col("mjd"), options.time_origin_jd)))
