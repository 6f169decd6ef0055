"""Layers that several baselines share: the last state of a recurrent network and the mean over valid points."""

import keras
from keras import ops

from astromer.models.layers import register
from astromer.models.pooling import masked_mean


@register
class MaskedMean(keras.layers.Layer):
    """Mean over a window's valid points: `(batch, window, dim)`, `(batch, window, 1)` -> `(batch, dim)`."""

    def call(self, values, valid):
        return ops.cast(masked_mean(values, valid), self.compute_dtype)

    def compute_output_shape(self, values_shape, valid_shape):
        return (values_shape[0], values_shape[2])


@register
class ValidSteps(keras.layers.Layer):
    """Mask of a recurrent layer: `valid` `(batch, window, 1)` -> bool `(batch, window)`."""

    def call(self, valid):
        return ops.squeeze(valid, -1) > 0

    def compute_output_spec(self, valid):
        return keras.KerasTensor(valid.shape[:-1], dtype="bool")


def last_state(steps, valid, units: int):
    """Return the state `(batch, units)` of a GRU after the last valid point of `(batch, window, any)` steps."""
    mask = ValidSteps(name="steps_valid")(valid)
    return keras.layers.GRU(units, name="gru")(steps, mask=mask)
