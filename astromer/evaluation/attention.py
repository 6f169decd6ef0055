"""Attention weights in the last block of an encoder, for the points of example light curves (Figs. 7 and 8)."""

from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np
import polars as pl

from astromer.data.batches import plain_batches
from astromer.evaluation.examples import draw_examples, window_points, windows_of
from astromer.models.encoders import attention_weights, num_periods_of

WINDOWS_AT_ONCE = 256


def attention_points(
    encoder: keras.Model, records: Path, *, classes: Sequence[str], per_class: int, window: int, seed: int
) -> pl.DataFrame:
    """Return the attention that each observation of example objects receives in the last block.

    All points are visible, as in classification. A point's weight is its share of a query's attention, averaged over
    the queries that are real points; padding is not a query and has no row in the result.

    Args:
        encoder: model `encoder`.
        records: records of labelled objects.
        classes: the dataset's ordered class list.
        per_class: examples per class, see `examples.draw_examples`; one random window of each.
        window: observations per window.
        seed: seed of the choice of objects and windows.

    Returns:
        One row per point: `class`, `example`, `id`, `start`, `mjd`, `mag`, `err_mag`, `period_days`, `phase`,
        `attention` (the heads' weights, an array), `mean_attention` (mean over heads). Weights of a window sum to 1,
        except in models that also attend to padding.

    Raises:
        InputError: a class has no object, or an object no period.
    """
    examples, observations = draw_examples(records, classes, per_class, seed=seed)
    options = {"window": window, "batch_size": WINDOWS_AT_ONCE, "seed": seed, "sampling": True}
    batches = plain_batches([records], num_periods=num_periods_of(encoder), **options)
    windows = windows_of(batches, examples["id"])
    weights = received_attention(np.asarray(attention_weights(encoder, windows)[-1]), windows["valid"])
    chosen = {key: windows[key] for key in ("id", "start", "length")} | {"attention": weights[..., None]}
    return (
        window_points(chosen, observations)
        .with_columns(mean_attention=pl.col("attention").arr.mean())
        .join(examples.select("id", "class", "example", "period_days"), on="id")
        .select(
            *("class", "example", "id", "start", "mjd", "mag", "err_mag", "period_days", "phase"),
            *("attention", "mean_attention"),
        )
        .sort(pl.col("class").cast(pl.Enum(classes)), "example", "mjd")
    )


def received_attention(weights: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """Average attention over the queries that are real points.

    Args:
        weights: `(windows, heads, queries, keys)`.
        valid: `(windows, window, 1)`, 1 on real points.

    Returns:
        `(windows, keys, heads)`.
    """
    queries = valid[..., 0] / valid.sum(axis=1)
    return np.einsum("whqk,wq->wkh", weights, queries)
