"""Mean and maximum of a window's representations over its valid points; they do not depend on padding."""

from collections.abc import Sequence

import numpy as np
from keras import ops

from astromer.errors import InputError


def pool(levels: Sequence, valid) -> dict[str, object]:
    """Pool representations over time.

    Args:
        levels: representations `(batch, window, dim)`, all of one width: an encoder's output.
        valid: `(batch, window, 1)`, 1 on real, visible points.

    Returns:
        `mean`: `(batch, levels, dim)`, mean of every level over the valid points; `max`: `(batch, dim)`, maximum of the
        last level over the valid points. Both float32, and 0 for a window without valid points.

    Raises:
        InputError: the levels differ in width, so that no weighted sum of them exists.
    """
    widths = [level.shape[-1] for level in levels]
    if len(set(widths)) > 1:
        raise InputError(f"levels have the widths {widths}; expected one width (embedding_dim = num_heads * head_dim)")
    valid = ops.cast(valid, "float32")
    means = ops.stack([masked_mean(level, valid) for level in levels], axis=1)
    return {"mean": means, "max": masked_max(levels[-1], valid)}


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
