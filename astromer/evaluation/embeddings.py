"""Representations of a survey's windows, stored once and read by every classifier head."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import keras
import numpy as np
import polars as pl
import tensorflow as tf

from astromer.errors import InputError
from astromer.models.encoders import model_inputs
from astromer.models.pooling import POOLED, pool

STORED_TYPES = {"sequence": pl.Float16, "valid": pl.Float16}
"""Arrays with a value for each point, which are therefore stored in half precision; all others are float32."""


def embed_windows(
    encoder: keras.Model,
    batches: Iterable[Mapping[str, Any]],
    names: Sequence[str] = POOLED,
    *,
    window: int | None = None,
) -> pl.DataFrame:
    """Pool the frozen encoder's levels over time for each window.

    Args:
        encoder: model `encoder` with L = blocks + 1 levels of width D.
        batches: batches of `astromer.data.batches.plain_batches`: every observation visible; with periods if the
            encoder reads them.
        names: arrays of `astromer.models.pooling.pool` to keep. `sequence` takes 2 W D bytes per window. Arrays of
            `released` heads contain the padding: for these, every batch must be padded to the whole window.
        window: W, the width to which `sequence` and `valid` are padded with zeros; only needed for these.

    Returns:
        One row per window, in the order of the batches: `id`, `window` (index of its first observation in the object),
        `label`, `length` (observations), and the named arrays, float32 or of the type in `STORED_TYPES`: `mean` `(L,
        D)` (time mean of every level), `std` and `max` `(D,)` (of the last level over time), `log_scale` `(1,)`,
        `padding` `(D,)`, `sequence` `(W, D)` (last level), `valid` `(W, 1)`.

    Raises:
        InputError: there are no windows, there is no such array, or an array needs `window`.
    """
    embed = window_embedder(encoder, names, window=window)
    tables = [embed(batch) for batch in batches]
    if not tables:
        raise InputError("embedding: the records hold no windows")
    return pl.concat(tables)


def window_embedder(
    encoder: keras.Model, names: Sequence[str] = POOLED, *, window: int | None = None
) -> Callable[[Mapping[str, Any]], pl.DataFrame]:
    """Return the function from a batch of windows to their table, compiled once for any number of batches.

    Arguments, columns and errors are those of `embed_windows`.
    """
    if window is None and (needing := STORED_TYPES.keys() & set(names)):
        raise InputError(f"embedding: {min(needing)} needs the argument `window`, the width that it is stored with")

    @tf.function(reduce_retracing=True)
    def pooled(inputs: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        return pool(encoder(inputs, training=False), inputs, names)

    def embed(batch: Mapping[str, Any]) -> pl.DataFrame:
        arrays = pooled(model_inputs(encoder, batch))
        columns = {name: _array_series(name, array.numpy(), window) for name, array in arrays.items()}
        return _identities(batch).with_columns(**columns)

    return embed


def window_table(batches: Iterable[Mapping[str, Any]]) -> pl.DataFrame:
    """Return `id`, `window`, `label` and `length` of each window, as `embed_windows` does, without embedding it."""
    return pl.concat(_identities(batch) for batch in batches)


def head_inputs(embeddings: pl.DataFrame, names: Iterable[str]) -> dict[str, np.ndarray]:
    """Return the arrays that `train_classifier` takes: those of `pool` with these names, `label` and `weight` `(n,)`.

    The weights are those of `object_weights` for the given rows.
    """
    arrays = {name: embeddings[name].to_numpy() for name in (*names, "label")}
    return arrays | {"weight": object_weights(embeddings["id"])}


def object_weights(ids: pl.Series) -> np.ndarray:
    """Return float32 weights of windows `(n,)`, 1 / number of windows of their object: objects have equal weight."""
    return (1 / ids.to_frame("id").select(pl.len().over("id"))["len"]).cast(pl.Float32).to_numpy()


def _identities(batch: Mapping[str, Any]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "id": pl.Series([name.decode() for name in batch["id"].numpy()], dtype=pl.String),
            "window": pl.Series(batch["start"].numpy(), dtype=pl.UInt32),
            "label": pl.Series(batch["label"].numpy(), dtype=pl.Int32),
            "length": pl.Series(batch["length"].numpy(), dtype=pl.UInt32),
        }
    )


def _array_series(name: str, array: np.ndarray, window: int | None) -> pl.Series:
    if name not in STORED_TYPES or window is None:
        return pl.Series(array, dtype=pl.Array(pl.Float32, array.shape[1:]))
    filled = np.pad(array, ((0, 0), (0, window - array.shape[1]), (0, 0))).astype(np.float16)
    return pl.Series(filled, dtype=pl.Array(STORED_TYPES[name], filled.shape[1:]))
