"""Standardise the inputs of a head by the mean and scale of its training rows, as a part of the saved model."""

from collections.abc import Mapping

import keras
import numpy as np
from keras import ops

from astromer.models.layers import register

SMALLEST_SCALE = 1e-6  # a component that hardly varies over the training rows is only shifted


@register
class Standardise(keras.layers.Layer):
    """Subtract the mean of the training rows and divide by their standard deviation, component by component.

    Both are weights that are not trainable. Before `adapt`, the layer returns its input unchanged.

    Args:
        num_axes: number of last axes with a separate mean and scale for each element: 2 for the means of all levels
            `(rows, levels, dim)`, 1 for a vector or a sequence of vectors.
        **kwargs: forwarded to `keras.layers.Layer`.

    Call arguments:
        inputs: `(batch, ..., dim)`.

    Returns:
        Like `inputs`, float32.
    """

    def __init__(self, num_axes=1, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.num_axes = num_axes

    def build(self, input_shape):
        shape = tuple(input_shape[-self.num_axes :])
        options = {"shape": shape, "dtype": "float32", "trainable": False}
        self.mean = self.add_weight(initializer="zeros", name="mean", **options)
        self.scale = self.add_weight(initializer="ones", name="scale", **options)

    def adapt(self, rows: np.ndarray, valid: np.ndarray | None = None) -> None:
        """Set mean and scale to those of the training rows.

        Args:
            rows: `(rows, ...)`, as in a call.
            valid: `(rows, window, 1)` for sequences `(rows, window, dim)`: only points where it is 1 count.
        """
        if valid is not None:
            rows = rows[valid[..., 0] > 0]
        points = rows.reshape(-1, *self.mean.shape)
        mean, scale = points.mean(axis=0, dtype=np.float64), points.std(axis=0, dtype=np.float64)
        self.mean.assign(mean)
        self.scale.assign(np.where(scale > SMALLEST_SCALE, scale, 1.0))

    def call(self, inputs):
        return (ops.cast(inputs, "float32") - self.mean) / self.scale

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "num_axes": self.num_axes}


def adapt_to_training(model: keras.Model, arrays: Mapping[str, np.ndarray]) -> None:
    """Set every `standardise_<input>` layer of a head to the mean and scale of the arrays of the training rows.

    A head without such layers does not change.
    """
    for layer in model.layers:
        if isinstance(layer, Standardise):
            name = layer.name.removeprefix("standardise_")
            layer.adapt(arrays[name], arrays["valid"] if name == "sequence" else None)
