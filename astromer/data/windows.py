"""Cut light curves of any length into windows of at most `window` consecutive observations."""

from typing import NamedTuple

import numpy as np
import tensorflow as tf


class Cuts(NamedTuple):
    """Where to cut, int32 `(windows,)` each; numpy or in graph.

    Attributes:
        series: the number of each window's series.
        starts: the index of its first observation in the series.
        overlaps: how many of its observations are in the window before, too.
    """

    series: tf.Tensor
    starts: tf.Tensor
    overlaps: tf.Tensor


def window_starts(length: int, window: int) -> np.ndarray:
    """Return where the windows of one series start: 0, `window`, ..., the last shifted back to end at the last point.

    A series of no more than `window` observations is one window. The shifted window is the one whose start is no
    multiple of `window`; where `length` is a multiple there is none (the original then gave the last window twice).
    """
    return np.minimum(np.arange(0, length, window), max(length - window, 0))


def regular_windows(lengths: tf.Tensor, window: int) -> Cuts:
    """Return all windows of many series, as `window_starts` has them, in graph.

    Args:
        lengths: int32 `(objects,)`, observations of each series; one without any has no window.
        window: the longest window.
    """
    counts = -(-lengths // window)
    series = tf.repeat(tf.range(tf.size(lengths)), counts)
    number = tf.range(tf.size(series)) - tf.gather(tf.cumsum(counts, exclusive=True), series)
    last = tf.maximum(tf.gather(lengths, series) - window, 0)
    starts = tf.minimum(number * window, last)
    return Cuts(series, starts, overlaps=number * window - starts)


def random_windows(lengths: tf.Tensor, window: int, bits: tf.Tensor) -> Cuts:
    """Return one window of each series, its start uniform over all that leave it full (sampling mode), in graph.

    Args:
        lengths: int32 `(objects,)`, observations of each series; one without any has no window.
        window: the longest window.
        bits: uint32 `(objects,)`, random.
    """
    series = tf.cast(tf.where(lengths > 0)[:, 0], tf.int32)
    choices = tf.maximum(tf.gather(lengths, series) - window, 0) + 1
    starts = tf.cast(tf.gather(bits, series) % tf.cast(choices, tf.uint32), tf.int32)
    return Cuts(series, starts, overlaps=tf.zeros_like(starts))


def cut_windows(records: dict[str, tf.Tensor], cuts: Cuts, window: int) -> dict[str, tf.Tensor]:
    """Cut parsed records into padded windows, in graph.

    Args:
        records: what `astromer.data.records.parse_records` returns.
        cuts: which windows, of these records.
        window: the number of columns of the result.

    Returns:
        `id`, `label`, `start`, `length` (real observations) and `overlap` (of them, also in the window before), each
        `(windows,)`; `times` (days, the window's mean subtracted), `magnitudes`, `err_mag`, each float32
        `(windows, window)` and 0 on padding.

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
    # Padding repeats the first time, and so adds nothing to the sum of the offsets from it.
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
        "start": starts,
        "length": lengths,
        "overlap": overlaps,
        "times": times,
        "magnitudes": magnitudes,
        "err_mag": err_mag,
    }
