"""Mean and maximum of a window's representations over its valid points; they do not depend on padding."""

from collections.abc import Callable, Iterable, Sequence

import numpy as np
from keras import ops

from astromer.errors import InputError

POOLED = ("mean", "max")
"""The arrays that `pool` computes by default: small, and all that most heads read."""


def pool(levels: Sequence, valid, names: Iterable[str] = POOLED) -> dict[str, object]:
    """Pool representations over time.

    Args:
        levels: representations `(batch, window, dim)`, all of one width: an encoder's output.
        valid: `(batch, window, 1)`, 1 on real, visible points.
        names: keys of `POOLINGS`: the arrays to compute.

    Returns:
        The named arrays, float32: `mean` `(batch, levels, dim)`, mean of every level over the valid points; `max`
        `(batch, dim)`, maximum of the last level over the valid points; `padding` `(batch, dim)`, mean of the last
        level over the other columns, which the released head `avg` reads; `sequence` `(batch, window, dim)`, the last
        level itself, padding included; `valid` `(batch, window, 1)` as given. A mean or maximum over no points is 0.

    Raises:
        InputError: there is no such array, or the levels differ in width, so that no weighted sum of them exists.
    """
    if unknown := set(names).difference(POOLINGS):
        raise InputError(f"pooling has no array {min(unknown)!r}; expected some of {', '.join(POOLINGS)}")
    valid = ops.cast(valid, "float32")
    return {name: POOLINGS[name](levels, valid) for name in names}


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


def masked_max(values, valid):
    """Take the maximum of `(batch, window, dim)` where `valid` `(batch, window, 1)` is 1; 0 without such points."""
    values, valid = ops.cast(values, "float32"), ops.cast(valid, "float32")
    highest = ops.max(ops.where(valid > 0, values, -np.inf), axis=1)
    return ops.where(ops.sum(valid, axis=1) > 0, highest, 0.0)


POOLINGS: dict[str, Callable] = {
    "mean": level_means,
    "max": lambda levels, valid: masked_max(levels[-1], valid),
    "padding": lambda levels, valid: masked_mean(levels[-1], 1.0 - valid),
    "sequence": lambda levels, valid: ops.cast(levels[-1], "float32"),
    "valid": lambda levels, valid: valid,
}
