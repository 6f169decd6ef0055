"""Periods beside the windows of a batch, in graph: from the points a window shows, or from the whole light curve.

Encoders read one row per window, `periods` `(batch, 3)` float32: period [days], signal-to-noise, and the time of
brightest phase [days, from the window's mean time]; all 0 without a period.
"""

import numpy as np
import tensorflow as tf

from astromer.config.registry import check_name
from astromer.data.periods import find_periods, find_periods_of

PERIOD_ERRORS = {
    "none": lambda period: period,
    "percent": lambda period: 1.01 * period,
    "half": lambda period: period / 2,
    "double": lambda period: 2 * period,
    "alias": lambda period: period / (1 + period),  # one cycle per day more: what nightly observations confuse it with
}
"""What a wrong period is, as a function of the right one [days], to test what depends on it."""


def visible_periods(windows: dict[str, tf.Tensor], batch: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """Add `periods` to masked windows, each from the window's points that are not probed: nothing hidden is used.

    Args:
        windows: what `astromer.data.windows.cut_windows` returns, `(batch, window)`.
        batch: what `astromer.data.masking.mask_windows` made of them.
    """
    shown = tf.sequence_mask(windows["length"], tf.shape(windows["magnitudes"])[1]) & (batch["probed"][..., 0] == 0)
    periods = tf.numpy_function(
        lambda *arrays: find_periods(*arrays).astype(np.float32),
        [windows["times"], windows["magnitudes"], shown],
        tf.float32,
        stateful=False,
    )
    return batch | {"periods": tf.ensure_shape(periods, (None, 3))}


def object_periods(records: dict[str, tf.Tensor], error: str = "none") -> tf.Tensor:
    """Return the periods of whole light curves, float64 `(objects, 3)`; brightest phase as a modified Julian date.

    Args:
        records: what `astromer.data.parsing.parse_records` returns.
        error: key of `PERIOD_ERRORS`.

    Raises:
        InputError: there is no such error.
    """
    change = PERIOD_ERRORS[check_name("error of the period", error, PERIOD_ERRORS)]
    periods = tf.numpy_function(
        _periods_of_series, [records["mjd"], records["mag"], records["length"]], tf.float64, stateful=False
    )
    period, *others = tf.unstack(tf.ensure_shape(periods, (None, 3)), axis=1)
    return tf.stack([change(period), *others], axis=1)


def _periods_of_series(mjd: np.ndarray, mag: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    ends = np.cumsum(lengths)
    return find_periods_of([(mjd[end - n : end], mag[end - n : end]) for n, end in zip(lengths, ends, strict=True)])


def window_periods(periods: tf.Tensor, series: tf.Tensor, mean_mjd: tf.Tensor) -> tf.Tensor:
    """Return the periods of the objects that windows come from, float32 `(windows, 3)`.

    Args:
        periods: float64 `(objects, 3)` from `object_periods`.
        series: int32 `(windows,)`, the object of each window.
        mean_mjd: float64 `(windows,)`, the mean time of each window.
    """
    period, snr, brightest = tf.unstack(tf.gather(periods, series), axis=1)
    from_mean = tf.where(period > 0, tf.math.floormod(brightest - mean_mjd, tf.maximum(period, 1e-9)), 0.0)
    return tf.cast(tf.stack([period, snr, from_mean], axis=1), tf.float32)
