"""Mask windows, in graph: choose the magnitudes that are probed, hidden and replaced.

All random numbers are hashes of a window's identity, the seed and the epoch. The masks of a window therefore do not
depend on its batch, file or machine, differ between epochs, and are the same when a run is resumed.
"""

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from astromer.config.section import Variant
from astromer.config.training import Masking

# The shifts and factors of the 32-bit hash function `lowbias32` of Chris Wellons ("Hash Function Prospector", 2018),
# found by a search for low bias: 16, 0x7feb352d, 15, 0x846ca68b, 16.
HASH_ROUNDS = ((16, 0x7FEB352D), (15, 0x846CA68B))
LAST_HASH_SHIFT = 16
GOLDEN_STEP = 0x9E3779B9  # 2^32 divided by the golden ratio, rounded to an odd number: spreads consecutive numbers
SHIFT_SALT = 0x5BD1E995  # the multiplier of MurmurHash2; here only a constant that gives keys independent of the masks'


class Counts(NamedTuple):
    """Numbers of points per window, int32 `(batch,)`."""

    probed: tf.Tensor  # points in the loss
    altered: tf.Tensor  # probed points that are not shown with their true magnitude
    replaced: tf.Tensor  # altered points that are shown with another magnitude


def count_points(masking: Masking, lengths: tf.Tensor) -> Counts:
    """Return the numbers of probed, altered and replaced points (Sect. 3.1; rounded as in the released code).

    Of a window of L points, int(probed * L) are in the loss. Of these, ceil(same * their number) keep their magnitude;
    of the remaining ones, ceil(random * their number) get another magnitude of the window, and the rest are hidden.

    Args:
        masking: the fractions.
        lengths: int32 `(windows,)`.
    """
    probed = _scaled(masking.probed, lengths, tf.floor)
    altered = probed - _scaled(masking.same, probed, tf.math.ceil)
    return Counts(probed, altered, replaced=_scaled(masking.random, altered, tf.math.ceil))


def _scaled(fraction: float, counts: tf.Tensor, rounding: Callable[[tf.Tensor], tf.Tensor]) -> tf.Tensor:
    """Round `fraction` of int32 `counts` in float32, as in the released code."""
    return tf.cast(rounding(fraction * tf.cast(counts, tf.float32)), tf.int32)


def window_keys(ids: tf.Tensor, starts: tf.Tensor, seed: int, epoch: int | tf.Tensor) -> tf.Tensor:
    """Return one random number per window, uint32 `(windows,)`, from the id of its object and its start."""
    key = tf.cast(tf.strings.to_hash_bucket_fast(ids, 2**32), tf.uint32)
    for number in (tf.cast(starts, tf.uint32), seed % 2**32, epoch):
        key = _mix(key ^ tf.cast(number, tf.uint32))
    return key


def _mix(bits: tf.Tensor) -> tf.Tensor:
    """Hash uint32 numbers by a one-to-one function (multiplicative xor-shift)."""
    for shift, factor in HASH_ROUNDS:
        bits = (bits ^ _shifted(bits, shift)) * tf.constant(factor, tf.uint32)
    return bits ^ _shifted(bits, LAST_HASH_SHIFT)


def _shifted(bits: tf.Tensor, places: int) -> tf.Tensor:
    return tf.bitwise.right_shift(bits, tf.constant(places, tf.uint32))


def _fraction(bits: tf.Tensor) -> tf.Tensor:
    """Convert random uint32 numbers to float32 numbers in [0, 1): 24 bits, the precision of float32."""
    return tf.cast(_shifted(bits, 8), tf.float32) * 2.0**-24


class _Order(NamedTuple):
    """A random order of the points of each window, with padding last; all `(batch, window)`."""

    point_bits: tf.Tensor  # uint32 random numbers, all different within a window; 0 on padding
    bits: tf.Tensor  # the same numbers in descending order
    positions: tf.Tensor  # int32, positions of `bits` in the window

    def first(self, counts: tf.Tensor) -> tf.Tensor:
        """Mark the first `counts` points of each window in the random order, bool `(batch, window)`."""
        last = tf.gather(self.bits, tf.maximum(counts - 1, 0)[:, None], batch_dims=1)
        return (self.point_bits >= last) & (counts > 0)[:, None]


def _random_order(keys: tf.Tensor, real: tf.Tensor) -> _Order:
    window = tf.shape(real)[1]
    # Odd multiples of different columns are different modulo 2^32, and `_mix` is one to one: no two numbers are equal.
    columns = tf.cast(tf.range(window), tf.uint32) * tf.constant(GOLDEN_STEP, tf.uint32)
    point_bits = tf.where(real, _mix(keys[:, None] + columns), 0)
    return _Order(point_bits, *tf.math.top_k(point_bits, window))


def mask_windows(
    windows: dict[str, tf.Tensor], keys: tf.Tensor, masking: Masking, variant: Variant = "paper"
) -> dict[str, tf.Tensor]:
    """Compute the inputs and targets of a model from windows.

    `paper`: no hidden magnitude reaches the encoder. The mean of the points shown with their true magnitude is
    subtracted, replacements are drawn from these points only, and the input at hidden points is 0. If a window has no
    such point, the encoder's input is 0 throughout, and targets are relative to the mean of all points.
    `released`: the mean of all real points is subtracted, replacements come from a shuffle of the whole window, and the
    input at hidden points is the true magnitude.

    Args:
        windows: result of `astromer.data.windows.cut_windows`, `(batch, window)`.
        keys: uint32 `(batch,)` from `window_keys`.
        masking: the fractions.
        variant: `paper` or `released`.

    Returns:
        `magnitudes`, `times`, `valid`, `target`, `probed`, `hidden`, `weight`, float32 `(batch, window, 1)`; and
        `id`, `label`, `start`, `length`, `overlap`, unchanged.
    """
    true, real = windows["magnitudes"], _real(windows)
    order = _random_order(keys, real)
    counts = count_points(masking, windows["length"])
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
    """Replace magnitudes by those of random points shown unchanged, or by `mean` if there are no such points."""
    # In the random order, the replaced points come first, then the hidden points, then those shown.
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


def random_fractions(keys: tf.Tensor, salt: int) -> tf.Tensor:
    """Return a random number in [0, 1) for each of the keys of `window_keys`, independent for every salt."""
    return _fraction(_mix(keys ^ tf.constant(salt, tf.uint32)))


def shift_times(windows: dict[str, tf.Tensor], keys: tf.Tensor, most: float) -> dict[str, tf.Tensor]:
    """Add one random number of days between -`most` and `most` to all times of each window.

    Args:
        windows: result of `astromer.data.windows.cut_windows`.
        keys: uint32 `(batch,)` from `window_keys`.
        most: the largest shift [days].
    """
    shift = most * (2.0 * random_fractions(keys, SHIFT_SALT) - 1.0)
    return windows | {"times": tf.where(_real(windows), windows["times"] + shift[:, None], 0.0)}


def show_windows(windows: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """Compute the inputs of a model from windows without hiding any point.

    Args:
        windows: result of `astromer.data.windows.cut_windows`, `(batch, window)`.

    Returns:
        `magnitudes` (the window's mean subtracted), `times`, `valid`, float32 `(batch, window, 1)`; and `id`, `label`,
        `start`, `length`, `overlap` and, if present, `periods`, unchanged.
    """
    true, real = windows["magnitudes"], _real(windows)
    points = {
        "magnitudes": tf.where(real, true - _mean(true, real), 0.0),
        "times": windows["times"],
        "valid": tf.cast(real, tf.float32),
    }
    return _batch(windows, points)


def uncertainty_weights(err_mag: tf.Tensor, real: tf.Tensor, variant: Variant = "paper") -> tf.Tensor:
    """Return weights of 1 / error, scaled to 0.001 ... 1.001 within each window.

    An error of zero gets the lowest weight. With `paper`, padding has weight 0, and all points of a window of equal
    errors have weight 1.001. With `released`, padding is included with the window's mean error, and all points of a
    window of equal errors have weight 0.001.

    Args:
        err_mag: float32 `(batch, window)`, errors [mag].
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
    """Average the chosen values of each window, `(batch, 1)`; 0 if none is chosen."""
    chosen = tf.cast(chosen, values.dtype)
    return tf.math.divide_no_nan(tf.reduce_sum(values * chosen, 1, True), tf.reduce_sum(chosen, 1, True))


def _batch(windows: dict[str, tf.Tensor], points: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """Join the arrays of points, with a last axis of length 1, and the columns that describe the windows."""
    names = ("id", "label", "start", "length", "overlap", "periods")
    described = {key: windows[key] for key in names if key in windows}
    return {key: value[..., None] for key, value in points.items()} | described
