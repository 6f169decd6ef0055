"""Baseline `raw_gru`: a recurrent network on magnitude and time."""

import keras
from keras import ops

from astromer.config.section import VARIANTS
from astromer.errors import InputError
from astromer.models.layers import register
from astromer.models.recurrence import last_state


@register
class TimeSteps(keras.layers.Layer):
    """Input features of a recurrent network: magnitude and time.

    Args:
        variant: with `paper` the time is log(1 + days since the previous point of the window), 0 at the first point.
            With `released` it is the time itself in days; values of hundreds saturate the gates of the network, which
            is a handicap of the released baseline.
        **kwargs: forwarded to `keras.layers.Layer`.

    Call arguments:
        magnitudes, times [days], valid: `(batch, window, 1)` float32, times ascending over the valid points.

    Returns:
        `(batch, window, 2)` in the compute dtype, 0 at invalid points.
    """

    def __init__(self, variant="paper", **kwargs):
        super().__init__(autocast=False, **kwargs)
        if variant not in VARIANTS:
            raise InputError(f"baseline: variant is {variant!r}; expected one of {VARIANTS}")
        self.variant = variant

    def call(self, magnitudes, times, valid):
        if self.variant == "paper":
            previous = ops.concatenate([times[:, :1], times[:, :-1]], axis=1)
            times = ops.log1p(ops.maximum(times - previous, 0.0))
        features = ops.concatenate([magnitudes, times], axis=-1)
        return ops.cast(ops.where(valid > 0, features, 0.0), self.compute_dtype)

    def compute_output_shape(self, magnitudes_shape, times_shape, valid_shape):
        return (*magnitudes_shape[:-1], 2)

    def get_config(self):
        return {**super().get_config(), "variant": self.variant}


def features(inputs, *, dim: int, units: int, variant: str):
    """Return features `(batch, units)`; `variant` selects the form of the times."""
    steps = TimeSteps(variant, name="time_steps")(inputs["magnitudes"], inputs["times"], inputs["valid"])
    return last_state(steps, inputs["valid"], units)
