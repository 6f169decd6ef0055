"""Choose what a model must predict: probed, hidden and replaced magnitudes of padded windows, in graph.

Everything random is a hash of a window's identity, the seed and the epoch: a window's masks do not depend on the batch,
the file or the machine that it is met in, are anew each epoch, and are the same when a run is resumed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

import tensorflow as tf

from astromer.errors import InputError

Variant = Literal["paper", "released"]
VARIANTS = ("paper", "released")


class Counts(NamedTuple):
    """Numbers of points of each window, int32 `(batch,)`."""

    probed: tf.Tensor  # in the loss
    altered: tf.Tensor  # of these, not shown as they are
    replaced: tf.Tensor  # of these, shown with another magnitude


@dataclass(frozen=True)
class Masking:
    """Fractions of a window of L points (paper, Sect. 3; counts as the released code rounds them).

    Attributes:
        probed: int(probed * L) points are in the loss.
        same: ceil(same * probed points) of them are shown as they are.
        random: ceil(random * the others) are shown with another magnitude of the window; the rest is hidden.
    """

    probed: float = 0.5
    same: float = 0.2
    random: float = 0.2

    def __post_init__(self) -> None:
        for name in ("probed", "same", "random"):
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(f"masking: {name} is {getattr(self, name)}; expected a fraction from 0 to 1")

    def counts(self, lengths: tf.Tensor) -> Counts:
        """Count the points of windows of int32 `lengths`."""
        probed = _scaled(self.probed, lengths, tf.floor)
        altered = probed - _scaled(self.same, probed, tf.math.ceil)
        return Counts(probed, altered, replaced=_scaled(self.random, altered, tf.math.ceil))


def _scaled(fraction: float, counts: tf.Tensor, rounding: Callable[[tf.Tensor], tf.Tensor]) -> tf.Tensor:
    """Round `fraction` of int32 `counts` in float32, as the original does."""
    return tf.cast(rounding(fraction * tf.cast(counts, tf.float32)), tf.int32)


def window_keys(ids: tf.Tensor, starts: tf.Tensor, seed: int, epoch: int | tf.Tensor) -> tf.Tensor:
    """Return a random number of each window, uint32 `(windows,)`, from its object's id and its start."""
    key = tf.cast(tf.strings.to_hash_bucket_fast(ids, 2**32), tf.uint32)
    for number in (tf.cast(starts, tf.uint32), seed % 2**32, epoch):
        key = _mix(key ^ tf.cast(number, tf.uint32))
    return key


def _mix(bits: tf.Tensor) -> tf.Tensor:
    """Scramble uint32 numbers, one to one (a multiplicative xor-shift hash)."""
    for shift, factor in ((16, 0x7FEB352D), (15, 0x846CA68B)):
        bits = (bits ^ _shifted(bits, shift)) * tf.constant(factor, tf.uint32)
    return bits ^ _shifted(bits, 16)


def _shifted(bits: tf.Tensor, places: int) -> tf.Tensor:
    return tf.bitwise.right_shift(bits, tf.constant(places, tf.uint32))


def _fraction(bits: tf.Tensor) -> tf.Tensor:
    """Turn random uint32 numbers into float32 ones from 0 to below 1."""
    return tf.cast(_shifted(bits, 8), tf.float32) * 2.0**-24


class _Order(NamedTuple):
    """A random order of each window's points, padding last; all `(batch, window)`."""

    point_bits: tf.Tensor  # uint32, different for each point of a window; 0 on padding
    bits: tf.Tensor  # the same, descending
    positions: tf.Tensor  # int32, where in the window they come from

    def first(self, counts: tf.Tensor) -> tf.Tensor:
        """Mark each window's first `counts` points, bool `(batch, window)`."""
        last = tf.gather(self.bits, tf.maximum(counts - 1, 0)[:, None], batch_dims=1)
        return (self.point_bits >= last) & (counts > 0)[:, None]


def _random_order(keys: tf.Tensor, real: tf.Tensor) -> _Order:
    window = tf.shape(real)[1]
    # An odd multiple of the column differs from column to column, and `_mix` is one to one: so no two bits are equal.
    columns = tf.cast(tf.range(window), tf.uint32) * tf.constant(0x9E3779B9, tf.uint32)
    point_bits = tf.where(real, _mix(keys[:, None] + columns), 0)
    return _Order(point_bits, *tf.math.top_k(point_bits, window))


def mask_windows(
    windows: dict[str, tf.Tensor], keys: tf.Tensor, masking: Masking, variant: Variant = "paper"
) -> dict[str, tf.Tensor]:
    """Turn windows into what a model sees and what it must predict.

    `paper`: nothing hidden reaches the encoder. The mean that is subtracted is that of the points shown with their true
    magnitude, replacements are drawn from these alone, and hidden points are 0. A window without any such point is
    all 0 to the encoder, and its targets are relative to the mean of all its points.
    `released`: the mean of all real points, a shuffle of the whole window, true magnitudes at hidden points.

    Args:
        windows: what `astromer.data.windows.cut_windows` returns, `(batch, window)`.
        keys: uint32 `(batch,)` from `window_keys`.
        masking: the fractions.
        variant: `paper` or `released`.

    Returns:
        `magnitudes`, `times`, `valid`, `target`, `probed`, `hidden`, `weight`, float32 `(batch, window, 1)`; and
        `id`, `label`, `start`, `length`, `overlap` as they came.
    """
    true, real = windows["magnitudes"], _real(windows)
    order = _random_order(keys, real)
    counts = masking.counts(windows["length"])
    probed, altered, replaced = (order.first(count) for count in (counts.probed, counts.altered, counts.replaced))
    hidden = altered & ~replaced
    if variant == "paper":
        shown = real & ~altered
        mean = tf.where((windows["length"] > counts.altered)[:, None], _mean(true, shown), _mean(true, real))
        seen = _replace_from_shown(true, mean, order, counts, windows["length"])
        magnitudes = tf.where(real & ~hidden, seen - mean, 0.0)
    else:
        mean = _mean(true, real)
        shuffled = tf.gather(true, _random_order(_mix(keys), real).positions, batch_dims=1)
        magnitudes = tf.where(real, tf.where(replaced, shuffled, true) - mean, 0.0)
    points = {
        "magnitudes": magnitudes,
        "times": windows["times"],
        "valid": tf.cast(real & ~hidden, tf.float32),
        "target": tf.where(real, true - mean, 0.0),
        "probed": tf.cast(probed, tf.float32),
        "hidden": tf.cast(hidden, tf.float32),
        "weight": uncertainty_weights(windows["err_mag"], real, variant),
    }
    return _batch(windows, points)


def _replace_from_shown(
    true: tf.Tensor, mean: tf.Tensor, order: _Order, counts: Counts, lengths: tf.Tensor
) -> tf.Tensor:
    """Replace magnitudes by ones drawn from the points shown as they are, or by `mean` where there are none."""
    # In the random order the replaced points come first, then the hidden ones, then those shown.
    most = tf.reduce_max(counts.replaced)
    num_shown = (lengths - counts.altered)[:, None]
    rank = counts.altered[:, None] + tf.cast(
        _fraction(_mix(order.bits[:, :most])) * tf.cast(num_shown, tf.float32), tf.int32
    )
    source = tf.gather(order.positions, tf.minimum(rank, lengths[:, None] - 1), batch_dims=1)
    drawn = tf.where(num_shown > 0, tf.gather(true, source, batch_dims=1), mean)
    chosen = tf.where(tf.range(most) < counts.replaced[:, None])
    points = tf.stack([chosen[:, 0], tf.cast(tf.gather_nd(order.positions, chosen), tf.int64)], 1)
    return tf.tensor_scatter_nd_update(true, points, tf.gather_nd(drawn, chosen))


def shift_times(windows: dict[str, tf.Tensor], keys: tf.Tensor, most: float) -> dict[str, tf.Tensor]:
    """Add to the times of each window one random number of days between -`most` and `most`.

    Args:
        windows: what `astromer.data.windows.cut_windows` returns.
        keys: uint32 `(batch,)` from `window_keys`.
        most: the largest shift [days].
    """
    shift = most * (2.0 * _fraction(_mix(keys ^ tf.constant(0x5BD1E995, tf.uint32))) - 1.0)
    return windows | {"times": tf.where(_real(windows), windows["times"] + shift[:, None], 0.0)}


def show_windows(windows: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """Turn windows into what a model sees when nothing is hidden.

    Args:
        windows: what `astromer.data.windows.cut_windows` returns, `(batch, window)`.

    Returns:
        `magnitudes` (the window's mean subtracted), `times`, `valid`, float32 `(batch, window, 1)`; and `id`, `label`,
        `start`, `length`, `overlap` as they came.
    """
    true, real = windows["magnitudes"], _real(windows)
    points = {
        "magnitudes": tf.where(real, true - _mean(true, real), 0.0),
        "times": windows["times"],
        "valid": tf.cast(real, tf.float32),
    }
    return _batch(windows, points)


def uncertainty_weights(err_mag: tf.Tensor, real: tf.Tensor, variant: Variant = "paper") -> tf.Tensor:
    """Weigh points by 1 / error, scaled to 0.001 ... 1.001 within each window.

    An error of zero gets the lowest weight. `released` lets padding take part, with the window's mean error, and gives
    0.001 to all points of a window of equal errors; `paper` leaves padding out, at 0, and gives such points 1.001.

    Args:
        err_mag: float32 `(batch, window)`, magnitudes.
        real: bool `(batch, window)`, False on padding.
        variant: `paper` or `released`.
    """
    if variant == "released":
        err_mag, real = tf.where(real, err_mag, _mean(err_mag, real)), tf.ones_like(real)
    inverse = tf.math.divide_no_nan(1.0, err_mag)
    lowest = tf.reduce_min(tf.where(real, inverse, inverse.dtype.max), 1, True)
    highest = tf.reduce_max(tf.where(real, inverse, 0.0), 1, True)
    of_equal_errors = 1.0 if variant == "paper" else 0.0
    scaled = tf.where(highest > lowest, (inverse - lowest) / (highest - lowest), of_equal_errors)
    return tf.where(real, scaled + 1e-3, 0.0)


def _real(windows: dict[str, tf.Tensor]) -> tf.Tensor:
    """Mark the points that are not padding, bool `(batch, window)`."""
    return tf.sequence_mask(windows["length"], tf.shape(windows["magnitudes"])[1])


def _mean(values: tf.Tensor, chosen: tf.Tensor) -> tf.Tensor:
    """Average the chosen values of each window, `(batch, 1)`; 0 where none is."""
    chosen = tf.cast(chosen, values.dtype)
    return tf.math.divide_no_nan(tf.reduce_sum(values * chosen, 1, True), tf.reduce_sum(chosen, 1, True))


def _batch(windows: dict[str, tf.Tensor], points: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """Join the points, as one feature each, with what describes their windows."""
    described = {key: windows[key] for key in ("id", "label", "start", "length", "overlap")}
    return {key: value[..., None] for key, value in points.items()} | described
