"""Embeddings of light curves in memory."""

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any, Literal

import keras
import numpy as np
import polars as pl
import tensorflow as tf

from astromer.api.light_curves import Curves, like, read_curves
from astromer.api.pretrained import DEFAULT_MODEL, resolve
from astromer.config.encoders import DEFAULT_WINDOW
from astromer.data.batches import PAD_MULTIPLE
from astromer.data.curves import cut_light_curves, window_batches
from astromer.data.windows import Cuts
from astromer.errors import InputError
from astromer.models.encoders import model_inputs, num_periods_of
from astromer.models.pooling import masked_mean
from astromer.models.weights import Pretrained
from astromer.training.steps import input_specs

STARS_AT_ONCE = 4096  # whose windows are sorted by length: more need less padding, but more memory

Progress = Callable[[int, int], None]
"""Called with the number of stars done and of all stars."""


def encode(
    light_curves: Any,
    model: Pretrained | keras.Model | str = DEFAULT_MODEL,
    *,
    columns: Mapping[str, str] | None = None,
    per: Literal["window", "object"] = "object",
    layer: int | Literal["all"] = -1,
    window: int | None = None,
    batch_size: int = 256,
    progress: Progress | None = None,
) -> Any:
    """Compute embeddings of light curves, with every observation visible to the encoder.

    Light curves longer than `window` are cut as in training: the last window is shifted back to end at the last
    observation. The embedding of a window is the mean over its observations; that of an object is the mean over its
    windows, weighted by their numbers of observations. The result does not depend on batches or padding. The `released`
    v1 attends to padding; its windows are therefore always padded to `window`, as in its training.

    Args:
        light_curves: a table with the columns `id`, `mjd` [days] and `mag`, one row per observation in any order, or
            one row per star with lists of times and magnitudes: of pandas, polars, pyarrow, astropy, any library with
            the dataframe interchange protocol, or a dict of arrays. Or a list of arrays `(n, 2)` or `(n, 3)` of time
            [days], magnitude and error (not used), or of objects with the attributes `time` and `mag`; their ids are
            their positions in the list.
        model: result of `load_pretrained` or `build`, or a name or path for the former. By default the encoder that
            comes with the package, for which nothing is downloaded.
        columns: names of the table's columns where they are others, by `id`, `time` and `mag`. With `band`, the name of
            a column of bands, each band of a star is a light curve by itself: windows do not mix bands, and the
            embedding of the star is the mean over the windows of all of them.
        per: `window` for one row per window, `object` for one row per object.
        layer: index of the level: 0 is the input embedding, 1 the first block, -1 the last; `all` for all levels.
        window: maximum number of observations in a window; by default that of the model's configuration, otherwise 200.
        batch_size: windows computed at once; it does not change the result.
        progress: called with the numbers of stars done and of all stars, a few thousand at a time.

    Returns:
        Rows in the order of the stars: `id`; for `window` also `band`, if a column is given, and `start`, the index of
        the window's first observation in time; `length`, the number of observations; `embedding`, a float32 array
        `(dim,)`, or `(levels, dim)` for all levels. A table of polars, whose `table["embedding"].to_numpy()` is the
        matrix of features; of pandas or pyarrow where the light curves are. `numpy.stack(table["embedding"])` is the
        matrix in pandas.

    Raises:
        InputError: no light curve, an empty one, a value that is not finite, a column that is missing or holds no
            numbers, or an argument out of range.
    """
    if per not in ("window", "object"):
        raise InputError(f"encode: per is {per!r}; expected 'window' or 'object'")
    encoder, window = encoder_and_window(resolve(model), window)
    for name, value in (("window", window), ("batch_size", batch_size)):
        if value < 1:
            raise InputError(f"encode: {name} is {value}; expected at least 1")
    means = _level_means(encoder, _chosen_levels(encoder, layer))
    tables = []
    for part in parts_of(read_curves(light_curves, columns), progress):
        cuts, lengths, vectors = windows_in_order(encoder, part, means, window, batch_size)
        if per == "window":
            bands = {} if part.bands is None else {"band": part.bands.gather(cuts.series)}
            ids = part.ids.gather(part.stars[cuts.series])
            table = {"id": ids, **bands, "start": cuts.starts, "length": lengths}
        else:
            vectors = mean_of_windows(vectors, part.stars[cuts.series], lengths)
            table = {"id": part.ids, "length": part.star_lengths}
        vectors = vectors if layer == "all" else vectors[:, 0]
        tables.append(pl.DataFrame({**table, "embedding": pl.Series(vectors, dtype=_array_of(vectors))}))
    return like(pl.concat(tables), light_curves)


def encoder_and_window(model: Pretrained | keras.Model, window: int | None = None) -> tuple[keras.Model, int]:
    """Return the encoder of a model, and the window of its configuration unless another is given."""
    trained, config = model if isinstance(model, Pretrained) else (model, None)
    if window is None:
        window = config.window if config else DEFAULT_WINDOW
    return trained if trained.name == "encoder" else trained.get_layer("encoder"), window


def parts_of(curves: Curves, progress: Progress | None) -> Iterator[Curves]:
    """Yield the light curves of some thousand stars at a time."""
    number = len(curves.ids)
    for first in range(0, number, STARS_AT_ONCE):
        yield curves.slice(first, first + STARS_AT_ONCE)
        if progress is not None:
            progress(min(first + STARS_AT_ONCE, number), number)


@lru_cache(maxsize=16)
def _level_means(encoder: keras.Model, levels: tuple[int, ...]) -> Callable[[Mapping[str, Any]], tf.Tensor]:
    """Compile the means over time of some levels, `(batch, levels, dim)`; kept, because tracing takes a second."""

    @tf.function(input_signature=[input_specs(encoder)])
    def means(inputs: Mapping[str, tf.Tensor]) -> tf.Tensor:
        outputs = encoder(inputs, training=False)
        return tf.stack([masked_mean(outputs[level], inputs["valid"]) for level in levels], axis=1)

    return means


def _chosen_levels(encoder: keras.Model, layer: int | str) -> tuple[int, ...]:
    count = len(encoder.outputs)
    if layer == "all":
        widths = {level.shape[-1] for level in encoder.outputs}
        if len(widths) > 1:
            raise InputError(f"encode: the levels have the widths {sorted(widths)}; expected one `layer`, not 'all'")
        return tuple(range(count))
    if not isinstance(layer, int) or not -count <= layer < count:
        raise InputError(f"encode: layer is {layer!r}; expected 'all' or a number from {-count} to {count - 1}")
    return (layer,)


def windows_in_order(
    encoder: keras.Model,
    curves: Curves,
    compute: Callable[[Mapping[str, Any]], tf.Tensor],
    window: int,
    batch_size: int,
) -> tuple[Cuts, np.ndarray, np.ndarray]:
    """Apply a compiled function to all windows of light curves.

    Returns:
        The windows; their lengths `(windows,)`; and the results `(windows, ...)` in the order of the windows.
    """
    results, rows = [], []
    cuts, lengths = cut_light_curves(curves.lengths, window)
    for row, batch in curve_batches(encoder, curves, cuts, lengths, window=window, batch_size=batch_size):
        results.append(compute(model_inputs(encoder, batch)).numpy())
        rows.append(row)
    return cuts, lengths, np.concatenate(results)[np.argsort(np.concatenate(rows))]


def curve_batches(
    encoder: keras.Model, curves: Curves, cuts: Cuts, points: np.ndarray, *, window: int, batch_size: int
) -> Iterator[tuple[np.ndarray, dict[str, tf.Tensor]]]:
    """Yield what `astromer.data.curves.window_batches` does for an encoder; `id` is the position of the star."""
    attends_to_padding = encoder.get_layer("attention_bias").mask == "released_v1"
    before = np.cumsum(curves.lengths, dtype=np.int32) - curves.lengths
    offset = before - before[np.searchsorted(curves.stars, curves.stars)]
    records = {"id": curves.stars, "label": curves.stars, "offset": offset}
    records |= {"length": curves.lengths, "mjd": curves.mjd}
    records |= {"mag": curves.mag, "err_mag": np.zeros_like(curves.mag)}
    return window_batches(
        {name: tf.constant(values) for name, values in records.items()},
        cuts,
        points,
        window=window,
        batch_size=batch_size,
        pad_multiple=None if attends_to_padding else PAD_MULTIPLE,
        num_periods=num_periods_of(encoder),
    )


def mean_of_windows(vectors: np.ndarray, stars: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Average `(windows, ...)` over the windows of each star, weighted by `lengths`; float32 `(stars, ...)`."""
    firsts = np.flatnonzero(np.diff(stars, prepend=-1))
    weights = lengths.astype(np.float64).reshape(-1, *[1] * (vectors.ndim - 1))
    return (np.add.reduceat(vectors * weights, firsts) / np.add.reduceat(weights, firsts)).astype(np.float32)


def _array_of(vectors: np.ndarray) -> pl.DataType:
    return pl.Array(pl.Float32, vectors.shape[1:])
