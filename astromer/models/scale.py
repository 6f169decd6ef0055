"""The spread of a window's magnitudes, which encoders with `scale` divide by."""

import keras
from keras import ops

from astromer.models.layers import register

MIN_SCALE_MAG = 0.01  # about the photometric error: noise of a constant window is not amplified


def window_scale(magnitudes, valid):
    """Return the standard deviation of the valid magnitudes [mag], at least 0.01: `(batch, 1, 1)` float32.

    Args:
        magnitudes: `(batch, window, 1)` mag.
        valid: `(batch, window, 1)`, 1 on real, visible points.
    """
    magnitudes, valid = ops.cast(magnitudes, "float32"), ops.cast(valid, "float32")
    count = ops.maximum(ops.sum(valid, axis=1, keepdims=True), 1.0)
    mean = ops.sum(magnitudes * valid, axis=1, keepdims=True) / count
    variance = ops.sum(ops.square(magnitudes - mean) * valid, axis=1, keepdims=True) / count
    return ops.sqrt(ops.maximum(variance, MIN_SCALE_MAG**2))


@register
class Rescaling(keras.layers.Layer):
    """Divide magnitudes by the spread of the valid ones.

    Args:
        **kwargs: forwarded to `keras.layers.Layer`.

    Call arguments:
        magnitudes, valid: `(batch, window, 1)` float32.

    Returns:
        The scaled magnitudes `(batch, window, 1)`, and the natural logarithm of the scale `(batch, 1, 1)`; float32.
    """

    def __init__(self, **kwargs):
        super().__init__(**{"dtype": "float32", **kwargs})

    def call(self, magnitudes, valid):
        scale = window_scale(magnitudes, valid)
        return magnitudes / scale, ops.log(scale)

    def compute_output_shape(self, magnitudes_shape, valid_shape):
        return magnitudes_shape, (magnitudes_shape[0], 1, 1)


@register
class Unscaling(keras.layers.Layer):
    """Multiply predictions, in units of the spread of the valid magnitudes, by that spread.

    Args:
        **kwargs: forwarded to `keras.layers.Layer`.

    Call arguments:
        predictions, magnitudes, valid: `(batch, window, 1)`; magnitudes as they came, not scaled.

    Returns:
        `(batch, window, 1)` float32 mag.
    """

    def __init__(self, **kwargs):
        super().__init__(**{"dtype": "float32", **kwargs})

    def call(self, predictions, magnitudes, valid):
        return predictions * window_scale(magnitudes, valid)

    def compute_output_shape(self, predictions_shape, magnitudes_shape, valid_shape):
        return predictions_shape
