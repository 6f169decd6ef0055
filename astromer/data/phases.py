"""Periods beside the windows of a batch, in graph: from the points a window shows, or from the whole light curve.

Encoders read one row per window, `periods` `(batch, 3 * number)` float32, for each of its periods: period [days],
signal-to-noise, and the time of brightest phase [days, from the window's mean time]; all 0 without a period.
"""

import numpy as np
import tensorflow as tf

from astromer.config.registry import check_name
from astromer.config.statistics import WRONG_PERIOD_FACTOR
from astromer.data.masking import random_fractions
from astromer.data.periods import find_periods, find_periods_of

PERIOD_ERRORS = {
    "none": lambda period: period,
    "percent": lambda period: WRONG_PERIOD_FACTOR * period,
    "half": lambda period: period / 2,
    "double": lambda period: 2 * period,
    "alias": lambda period: period / (1 + period),  # one cycle per day more: what nightly observations confuse it with
}
"""Wrong period [days] as a function of the right one, by name; used to test how far a result depends on the period."""
MISTAKE_SALT = 0x85EBCA6B  # a multiplier of MurmurHash3; here only a constant that gives keys independent of the masks'


def visible_periods(
    windows: dict[str, tf.Tensor], batch: dict[str, tf.Tensor], number: int = 1
) -> dict[str, tf.Tensor]:
    """Add `periods` to masked windows, from each window's points that are not probed: nothing hidden is used.

    Args:
        windows: what `astromer.data.windows.cut_windows` returns, `(batch, window)`.
        batch: what `astromer.data.masking.mask_windows` made of them.
        number: periods of each window, see `astromer.data.periods.find_periods`.
    """
    shown = tf.sequence_mask(windows["length"], tf.shape(windows["magnitudes"])[1]) & (batch["probed"][..., 0] == 0)
    periods = tf.numpy_function(
        lambda *arrays: find_periods(*arrays, number=number).astype(np.float32),
        [windows["times"], windows["magnitudes"], shown],
        tf.float32,
        stateful=False,
    )
    return batch | {"periods": tf.ensure_shape(periods, (None, 3 * number))}


def mistake_periods(periods: tf.Tensor, keys: tf.Tensor, share: float) -> tf.Tensor:
    """Replace the periods of some windows by wrong ones, so that training does not rely on a right period.

    Args:
        periods: `(windows, 3 * number)` of `visible_periods`.
        keys: uint32 `(windows,)` of `astromer.data.masking.window_keys`.
        share: share of the windows; each of them has one of the errors of `PERIOD_ERRORS`, all equally likely.
    """
    errors = [error for name, error in PERIOD_ERRORS.items() if name != "none"]
    each = tf.reshape(periods, (tf.shape(periods)[0], -1, 3))
    wrong = tf.stack([error(each[..., 0]) for error in errors], axis=1)
    drawn = random_fractions(keys, MISTAKE_SALT) / share
    place = tf.cast(tf.minimum(drawn, 0.999) * len(errors), tf.int32)  # below the number of errors
    chosen = tf.gather(wrong, place, axis=1, batch_dims=1)
    period = tf.where(drawn[:, None] < 1.0, chosen, each[..., 0])
    return tf.reshape(tf.concat([period[..., None], each[..., 1:]], axis=-1), tf.shape(periods))


def object_periods(records: dict[str, tf.Tensor], number: int = 1, error: str = "none") -> tf.Tensor:
    """Return periods of whole light curves, float64 `(objects, 3 * number)`; brightest phases as modified Julian dates.

    Args:
        records: what `astromer.data.parsing.parse_records` returns.
        number: periods of each light curve, see `astromer.data.periods.find_periods`.
        error: key of `PERIOD_ERRORS`.

    Raises:
        InputError: there is no such error.
    """
    change = PERIOD_ERRORS[check_name("error of the period", error, PERIOD_ERRORS)]

    def of_series(mjd: np.ndarray, mag: np.ndarray, lengths: np.ndarray) -> np.ndarray:
        ends = np.cumsum(lengths)
        series = zip(lengths, ends, strict=True)
        return find_periods_of([(mjd[end - n : end], mag[end - n : end]) for n, end in series], number)

    columns = [records["mjd"], records["mag"], records["length"]]
    periods = tf.numpy_function(of_series, columns, tf.float64, stateful=False)
    columns = tf.unstack(tf.ensure_shape(periods, (None, 3 * number)), axis=1)
    return tf.stack([change(column) if i % 3 == 0 else column for i, column in enumerate(columns)], axis=1)


def window_periods(periods: tf.Tensor, series: tf.Tensor, mean_mjd: tf.Tensor) -> tf.Tensor:
    """Return the periods of the objects that windows come from, float32 `(windows, 3 * number)`.

    Args:
        periods: float64 `(objects, 3 * number)` from `object_periods`.
        series: int32 `(windows,)`, the object of each window.
        mean_mjd: float64 `(windows,)`, the mean time of each window.
    """
    columns = tf.unstack(tf.gather(periods, series), axis=1)
    for i in range(0, len(columns), 3):
        period, brightest = columns[i], columns[i + 2]
        after = tf.math.floormod(brightest - mean_mjd, tf.maximum(period, 1e-9))
        columns[i + 2] = tf.where(period > 0, after, 0.0)
    return tf.cast(tf.stack(columns, axis=1), tf.float32)
