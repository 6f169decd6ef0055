"""Cut light curves of any length into windows of at most `window` consecutive observations."""

from typing import NamedTuple

import numpy as np
import tensorflow as tf


class Cuts(NamedTuple):
    """Positions of windows, int32 `(windows,)` each; numpy arrays or tensors.

    Attributes:
        series: index of the window's light curve.
        starts: index of the window's first observation in the light curve.
        overlaps: number of its observations that are also in the previous window.
    """

    series: tf.Tensor
    starts: tf.Tensor
    overlaps: tf.Tensor


def window_starts(length: int, window: int) -> np.ndarray:
    """Return the starts of the windows of one light curve: 0, `window`, 2 `window`, ...

    The last window is shifted back to end at the last observation. If `length` is a multiple of `window`, none is
    shifted (the released code then returns the last window twice). A light curve of at most `window` observations is
    one window.
    """
    return np.minimum(np.arange(0, length, window), max(length - window, 0))


def regular_windows(lengths: tf.Tensor, window: int) -> Cuts:
    """Return all windows of many light curves, as `window_starts` does for one, in graph.

    Args:
        lengths: int32 `(objects,)`, numbers of observations; an empty light curve has no window.
        window: maximum number of observations per window.
    """
    counts = -(-lengths // window)
    series = tf.repeat(tf.range(tf.size(lengths)), counts)
    number = tf.range(tf.size(series)) - tf.gather(tf.cumsum(counts, exclusive=True), series)
    last = tf.maximum(tf.gather(lengths, series) - window, 0)
    starts = tf.minimum(number * window, last)
    return Cuts(series, starts, overlaps=number * window - starts)


def random_windows(lengths: tf.Tensor, window: int, bits: tf.Tensor) -> Cuts:
    """Return one window per light curve with a random start, in graph (sampling mode).

    The start is uniform over those for which the window is full.

    Args:
        lengths: int32 `(objects,)`, numbers of observations; an empty light curve has no window.
        window: maximum number of observations per window.
        bits: uint32 `(objects,)`, random numbers.
    """
    series = tf.cast(tf.where(lengths > 0)[:, 0], tf.int32)
    choices = tf.maximum(tf.gather(lengths, series) - window, 0) + 1
    starts = tf.cast(tf.gather(bits, series) % tf.cast(choices, tf.uint32), tf.int32)
    return Cuts(series, starts, overlaps=tf.zeros_like(starts))


def cut_windows(records: dict[str, tf.Tensor], cuts: Cuts, window: int) -> dict[str, tf.Tensor]:
    """Cut parsed records into padded windows, in graph.

    Args:
        records: result of `astromer.data.parsing.parse_records`.
        cuts: windows of these records.
        window: number of columns of the result.

    Returns:
        `id`, `label`, `start` (index of the first observation in its object), `length` (number of real observations),
        `overlap` (number of observations that are also in the previous window) and `mean_mjd` (float64, days), each
        `(windows,)`; `times` (days, the window's mean subtracted), `magnitudes` and `err_mag`, each float32 `(windows,
        window)` and 0 on padding.

    Raises:
        tf.errors.InvalidArgumentError: a value is not finite; the message names the objects.
    """
    series, starts, overlaps = cuts
    first = tf.gather(tf.cumsum(records["length"], exclusive=True), series) + starts
    lengths = tf.minimum(tf.gather(records["length"], series) - starts, window)
    columns = tf.range(window)
    real = columns < lengths[:, None]
    rows = tf.where(real, first[:, None] + columns, first[:, None])
    magnitudes, err_mag = (tf.where(real, tf.gather(records[key], rows), 0.0) for key in ("mag", "err_mag"))
    # Padding repeats the first time, so that it adds 0 to the sum of the offsets from the first time.
    mjd = tf.gather(records["mjd"], rows)
    offsets = mjd - mjd[:, :1]
    means = tf.reduce_sum(offsets, 1) / tf.cast(lengths, tf.float64)
    times = tf.where(real, tf.cast(offsets - means[:, None], tf.float32), 0.0)
    names = tf.gather(records["id"], series)
    finite = tf.math.is_finite(tf.reduce_sum(times + magnitudes + err_mag, 1))
    tf.debugging.Assert(
        tf.reduce_all(finite), ["times, magnitudes or errors are not finite in", tf.boolean_mask(names, ~finite)]
    )
    return {
        "id": names,
        "label": tf.gather(records["label"], series),
        "start": tf.gather(records["offset"], series) + starts,
        "length": lengths,
        "overlap": overlaps,
        "mean_mjd": mjd[:, 0] + means,
        "times": times,
        "magnitudes": magnitudes,
        "err_mag": err_mag,
    }
