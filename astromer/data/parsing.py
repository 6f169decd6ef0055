"""Read records in our layout and both layouts of the released code: in graph for training, as tables for notebooks."""

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
import tensorflow as tf
from google.protobuf.message import DecodeError

from astromer.data.records import OBSERVATION_COLUMNS, UNLABELLED
from astromer.errors import InputError

LAYOUTS = {
    "current": {"id": "ID", "label": "Label", "columns": ("mjd", "mag", "errmag")},
    "legacy": {"id": "id", "label": "label", "columns": ("dim_0", "dim_1", "dim_2")},
}


def detect_layout(path: Path) -> str | None:
    """Return the layout of a file's first record, `current` or `legacy` (of the released code); None without records.

    Raises:
        InputError: the file is absent, damaged, or of neither layout.
    """
    try:
        first = next(iter(tf.data.TFRecordDataset(str(path))), None)
        if first is None:
            return None
        found = set(tf.train.SequenceExample.FromString(first.numpy()).feature_lists.feature_list)
    except (tf.errors.OpError, DecodeError) as error:
        raise InputError(f"{path}: cannot be read as a file of records: {error}") from error
    for layout, keys in LAYOUTS.items():
        if found.issuperset(keys["columns"]):
            return layout
    expected = " or ".join(str(keys["columns"]) for keys in LAYOUTS.values())
    raise InputError(f"{path}: holds the lists {sorted(found)}; expected {expected}")


def parse_records(serialized: tf.Tensor, layout: str = "current") -> dict[str, tf.Tensor]:
    """Decode a batch of records, in graph.

    Args:
        serialized: strings `(objects,)`.
        layout: a key of `LAYOUTS`.

    Returns:
        `id`, `class`, `band` (strings), `label`, `shard`, `offset`, `length` (int32), each `(light curves,)`; `mjd`
        (float64, days), `mag`, `err_mag` (float32), each `(observations,)`, concatenated over light curves. A missing
        text is empty, a missing number -1. An object with several bands has several light curves; `offset` is the
        number of its observations in those before.
    """
    keys = LAYOUTS[layout]
    context, lists, _ = tf.io.parse_sequence_example(
        serialized,
        context_features={
            keys["id"]: tf.io.FixedLenFeature([], tf.string),
            keys["label"]: tf.io.FixedLenFeature([], tf.int64, UNLABELLED),
            "Class": tf.io.FixedLenFeature([], tf.string, ""),
            "Band": tf.io.FixedLenFeature([], tf.string, ""),
            "shard": tf.io.FixedLenFeature([], tf.int64, -1),
            "offset": tf.io.FixedLenFeature([], tf.int64, 0),
        },
        sequence_features={name: tf.io.RaggedFeature(tf.float32) for name in (*keys["columns"], "mjd_low")},
    )
    mjd, mag, err_mag = (lists[name] for name in keys["columns"])
    lengths = mjd.merge_dims(1, 2).row_lengths()
    for column in (mag, err_mag):
        tf.debugging.assert_equal(
            column.merge_dims(1, 2).row_lengths(), lengths, "a record's columns differ in their number of observations"
        )
    high, low = tf.cast(mjd.flat_values, tf.float64), tf.cast(lists["mjd_low"].flat_values, tf.float64)
    return {
        "id": context[keys["id"]],
        "class": context["Class"],
        "band": context["Band"],
        "label": tf.cast(context[keys["label"]], tf.int32),
        "shard": tf.cast(context["shard"], tf.int32),
        "offset": tf.cast(context["offset"], tf.int32),
        "length": tf.cast(lengths, tf.int32),
        # A batch of records of the released code has no remainders. A batch that mixes both kinds fails: the shapes
        # differ.
        "mjd": tf.cond(tf.size(low) == 0, lambda: high, lambda: high + low),
        "mag": mag.flat_values,
        "err_mag": err_mag.flat_values,
    }


def read_records(path: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Read a file of records into tables, for notebooks and tests.

    Returns:
        Light curves (`id`, `class`, `band`, `label`, `shard`, `num_obs`) and observations (`id`, `mjd`, `mag`,
        `err_mag`), both in the file's order.

    Raises:
        InputError: the file is absent, damaged, or of neither layout.
    """
    texts, numbers = dict.fromkeys(("id", "class", "band"), pl.String), {"label": pl.Int32, "shard": pl.Int32}
    objects = [pl.DataFrame(schema={**texts, **numbers, "num_obs": pl.UInt32})]
    observations = [pl.DataFrame(schema={"id": pl.String, "mjd": pl.Float64, "mag": pl.Float32, "err_mag": pl.Float32})]
    for batch in _parsed(path):
        columns = {key: [text.decode() or None for text in batch[key]] for key in texts}
        columns |= {key: batch[key] for key in numbers} | {"num_obs": batch["length"].astype(np.uint32)}
        objects.append(pl.DataFrame(columns, schema=objects[0].schema))
        rows = np.repeat(np.arange(len(batch["length"])), batch["length"])
        columns = {"id": objects[-1]["id"].gather(rows), **{key: batch[key] for key in OBSERVATION_COLUMNS[1:]}}
        observations.append(pl.DataFrame(columns, schema=observations[0].schema))
    return pl.concat(objects), pl.concat(observations)


def _parsed(path: Path) -> Iterator[dict[str, np.ndarray]]:
    """Yield a file's records in batches, as returned by `parse_records`."""
    layout = detect_layout(path)
    if layout is None:
        return
    decode = _decoder(layout)
    try:
        for serialized in tf.data.TFRecordDataset(str(path)).batch(512):
            yield {key: value.numpy() for key, value in decode(serialized).items()}
    except tf.errors.OpError as error:
        raise InputError(f"{path}: damaged, or not a file of light curves: {error.message}") from error


@cache
def _decoder(layout: str) -> Callable[[tf.Tensor], dict[str, tf.Tensor]]:
    """Return `parse_records` for one layout, traced once for all files."""
    signature = [tf.TensorSpec((None,), tf.string)]
    return tf.function(lambda serialized: parse_records(serialized, layout), input_signature=signature)
