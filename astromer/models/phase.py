"""Channels beside the magnitude: the phase of each point, the period, its signal-to-noise and the window's scale."""

import keras
import numpy as np
from keras import ops

from astromer.models.layers import Dense, register

HALF_CYCLES = (1, 2, 4, 6, 8)
"""Orders k of the phase channels in units of 1/2: k = 1/2, 1, ... The period of a contact binary is that of k = 1/2."""


@register
class PhaseChannels(keras.layers.Layer):
    """Fold times: sine and cosine of 2 pi k t / P for k = 1/2, 1, 2, 3, 4, log10 of P and log(1 + S/N).

    Times count from the brightest phase of the sinusoid that the period comes from, so that light curves of the same
    shape give the same channels.

    Args:
        **kwargs: forwarded to `keras.layers.Layer`.

    Call arguments:
        times: `(batch, window, 1)` days, float32.
        periods: `(batch, 3 * number)` float32, for each period: period [days], signal-to-noise, time of brightest phase
            [days].

    Returns:
        `(batch, window, 12 * number)` float32; 0 for periods that a window does not have.
    """

    def __init__(self, **kwargs):
        super().__init__(**{"dtype": "float32", **kwargs})

    def call(self, times, periods):
        channels = [self._fold(times, periods[:, None, i : i + 3]) for i in range(0, periods.shape[-1], 3)]
        return ops.concatenate(channels, axis=-1)

    def _fold(self, times, of_period):
        period, snr, brightest = (of_period[..., i : i + 1] for i in range(3))
        has_period = ops.cast(period > 0, "float32")
        period = ops.where(period > 0, period, 1.0)
        # Whole cycles are dropped before the multiples are taken: float32 holds fractions of 30,000 cycles to 0.002.
        cycles = (times - brightest) / (2 * period)
        angles = 2 * np.pi * (cycles - ops.floor(cycles)) * np.array(HALF_CYCLES, "float32")
        # Not log1p, which ONNX lacks.
        of_window = ops.concatenate([ops.log10(period), ops.log(1.0 + snr)], axis=-1)
        of_window = of_window * ops.ones_like(times)
        return has_period * ops.concatenate([ops.sin(angles), ops.cos(angles), of_window], axis=-1)

    def compute_output_shape(self, times_shape, periods_shape):
        return (*times_shape[:-1], (2 * len(HALF_CYCLES) + 2) * (periods_shape[-1] // 3))


@register
class AddedChannels(keras.layers.Layer):
    """Add a dense embedding of further channels to the input embedding.

    Args:
        dim: int. Width of the embedding.
        **kwargs: forwarded to `keras.layers.Layer`.

    Call arguments:
        embedded: `(batch, window, dim)`.
        channels: list of `(batch, window, any)`, or `(batch, 1, any)` for what all points of a window share.

    Returns:
        `(batch, window, dim)`.
    """

    def __init__(self, dim, **kwargs):
        super().__init__(**kwargs)
        self.dim = dim

    def build(self, embedded_shape, channels_shape):
        width = sum(shape[-1] for shape in channels_shape)
        self.projection = Dense(self.dim, name="projection", dtype=self.dtype_policy)
        self.projection.build((*embedded_shape[:-1], width))

    def call(self, embedded, channels):
        ones = ops.ones_like(embedded[..., :1])
        return self.projection(ops.concatenate([channel * ones for channel in channels], axis=-1), embedded)

    def compute_output_shape(self, embedded_shape, channels_shape):
        return embedded_shape

    def get_config(self):
        return {**super().get_config(), "dim": self.dim}
