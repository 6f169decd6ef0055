"""Representations of a survey's windows, stored once and read by every classifier head."""

from collections.abc import Iterable, Mapping
from typing import Any

import keras
import numpy as np
import polars as pl
import tensorflow as tf

from astromer.errors import InputError
from astromer.models.pooling import pool


def embed_windows(encoder: keras.Model, batches: Iterable[Mapping[str, Any]]) -> pl.DataFrame:
    """Pool the frozen encoder's levels over time for each window.

    Args:
        encoder: model `encoder` with L = blocks + 1 levels of width D.
        batches: batches of `astromer.data.batches.plain_batches`: every observation visible.

    Returns:
        One row per window, in the order of the batches: `id`, `window` (index of its first observation in the object),
        `label`, `length` (observations), and the float32 arrays `mean` `(L, D)` (time mean of every level) and `max`
        `(D,)` (time maximum of the last level).

    Raises:
        InputError: there are no windows.
    """

    @tf.function(reduce_retracing=True)
    def pooled(inputs: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        return pool(encoder(inputs, training=False), inputs["valid"])

    tables = []
    for batch in batches:
        arrays = pooled({name: batch[name] for name in ("magnitudes", "times", "valid")})
        columns = {name: _array_series(array.numpy()) for name, array in arrays.items()}
        tables.append(_identities(batch).with_columns(**columns))
    if not tables:
        raise InputError("embedding: the records hold no windows")
    return pl.concat(tables)


def window_table(batches: Iterable[Mapping[str, Any]]) -> pl.DataFrame:
    """Return `id`, `window`, `label` and `length` of each window, as `embed_windows` does, without embedding it."""
    return pl.concat(_identities(batch) for batch in batches)


def head_inputs(embeddings: pl.DataFrame, names: Iterable[str]) -> dict[str, np.ndarray]:
    """Return the arrays that `train_classifier` takes: those of `pool` with these names, and `label` `(n,)`."""
    return {name: embeddings[name].to_numpy() for name in (*names, "label")}


def _identities(batch: Mapping[str, Any]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "id": pl.Series([name.decode() for name in batch["id"].numpy()], dtype=pl.String),
            "window": pl.Series(batch["start"].numpy(), dtype=pl.UInt32),
            "label": pl.Series(batch["label"].numpy(), dtype=pl.Int32),
            "length": pl.Series(batch["length"].numpy(), dtype=pl.UInt32),
        }
    )


def _array_series(array: np.ndarray) -> pl.Series:
    return pl.Series(array, dtype=pl.Array(pl.Float32, array.shape[1:]))
