"""Mean, spread and maximum of a window's representations over its valid points; they do not depend on padding."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from astromer.errors import InputError
from astromer.models.layers import register
from astromer.models.scale import window_scale

POOLED = ("mean", "max")
"""The arrays that `pool` computes by default: small, and all that most heads read."""


def pool(levels: Sequence, inputs: Mapping[str, Any], names: Iterable[str] = POOLED) -> dict[str, object]:
    """Pool representations over time.

    Args:
        levels: representations `(batch, window, dim)`, all of one width: an encoder's output.
        inputs: what the encoder was given: `valid` `(batch, window, 1)`, 1 on real, visible points, and `magnitudes`
            `(batch, window, 1)` mag, which only `log_scale` reads.
        names: keys of `POOLINGS`: the arrays to compute.

    Returns:
        The named arrays, float32: `mean` `(batch, levels, dim)`, mean of every level over the valid points; `std` and
        `max` `(batch, dim)`, standard deviation and maximum of the last level over the valid points; `log_scale`
        `(batch, 1)`, natural logarithm of the standard deviation of the valid magnitudes [mag]; `padding` `(batch,
        dim)`, mean of the last level over the other columns, which the released head `avg` reads; `sequence` `(batch,
        window, dim)`, the last level itself, padding included; `valid` `(batch, window, 1)` as given. A mean, standard
        deviation or maximum over no points is 0.

    Raises:
        InputError: there is no such array, or the levels differ in width, so that no weighted sum of them exists.
    """
    if unknown := set(names).difference(POOLINGS):
        raise InputError(f"pooling has no array {min(unknown)!r}; expected some of {', '.join(POOLINGS)}")
    return {name: POOLINGS[name](levels, inputs) for name in names}


@register
class Pooling(keras.layers.Layer):
    """`pool` as a layer.

    Args:
        names: keys of `POOLINGS`.
        **kwargs: forwarded to `keras.layers.Layer`.

    Call arguments:
        levels, inputs: as for `pool`.

    Returns:
        The named arrays.
    """

    def __init__(self, names, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.names = tuple(names)

    def call(self, levels, inputs):
        return pool(levels, inputs, self.names)

    def get_config(self):
        return {**super().get_config(), "names": list(self.names)}


def level_means(levels: Sequence, valid):
    """Stack the `masked_mean` of all levels: `(batch, levels, dim)`."""
    widths = [level.shape[-1] for level in levels]
    if len(set(widths)) > 1:
        raise InputError(f"levels have the widths {widths}; expected one width (embedding_dim = num_heads * head_dim)")
    return ops.stack([masked_mean(level, valid) for level in levels], axis=1)


def masked_mean(values, valid):
    """Average `(batch, window, dim)` over the points where `valid` `(batch, window, 1)` is 1; 0 without such points."""
    values, valid = ops.cast(values, "float32"), ops.cast(valid, "float32")
    total = ops.squeeze(ops.matmul(ops.transpose(valid, (0, 2, 1)), values), 1)
    return total / ops.maximum(ops.sum(valid, axis=1), 1.0)


def masked_std(values, valid):
    """Standard deviation of `(batch, window, dim)` where `valid` `(batch, window, 1)` is 1; 0 if there are none."""
    values = ops.cast(values, "float32")
    deviations = values - masked_mean(values, valid)[:, None]
    return ops.sqrt(masked_mean(ops.square(deviations), valid))


def masked_max(values, valid):
    """Take the maximum of `(batch, window, dim)` where `valid` `(batch, window, 1)` is 1; 0 without such points."""
    values, valid = ops.cast(values, "float32"), ops.cast(valid, "float32")
    highest = ops.max(ops.where(valid > 0, values, -np.inf), axis=1)
    return ops.where(ops.sum(valid, axis=1) > 0, highest, 0.0)


POOLINGS: dict[str, Callable] = {
    "mean": lambda levels, inputs: level_means(levels, inputs["valid"]),
    "std": lambda levels, inputs: masked_std(levels[-1], inputs["valid"]),
    "max": lambda levels, inputs: masked_max(levels[-1], inputs["valid"]),
    "log_scale": lambda _, inputs: ops.log(window_scale(inputs["magnitudes"], inputs["valid"]))[:, :, 0],
    "padding": lambda levels, inputs: masked_mean(levels[-1], 1.0 - ops.cast(inputs["valid"], "float32")),
    "sequence": lambda levels, _: ops.cast(levels[-1], "float32"),
    "valid": lambda _, inputs: ops.cast(inputs["valid"], "float32"),
}
