"""The input of an encoder: a dense embedding of the magnitude plus a sinusoidal encoding of the time."""

import keras
import numpy as np
from keras import ops

from astromer.models.layers import Dense, Dropout, register

INVALID_MAGNITUDES = ("token", "zero", "keep")
TIME_ENCODINGS = ("paper", "log")


LOG_PERIODS_DAYS = (0.1, 3000.0)


def time_rates(dim: int, encoding: str = "paper") -> np.ndarray:
    """Return the angular rates of the time encoding, `(dim,)` float32 in radians per day.

    `paper`: 10000^(-2i/dim). As in the released code, i is the index of the component, not of the pair of sine and
    cosine as in Vaswani et al. (2017); published weights depend on it. `log`: periods from 0.1 to 3000 days, evenly
    spaced in their logarithm, one per pair.
    """
    if encoding == "paper":
        return (1 / np.power(10000.0, 2 * np.arange(dim) / dim)).astype("float32")
    return (2 * np.pi / np.repeat(np.geomspace(*LOG_PERIODS_DAYS, dim // 2), 2)).astype("float32")


def time_encoding(times, rates):
    """Encode times: sine of the angle in even components, cosine in odd ones.

    Args:
        times: `(batch, window, 1)` days, window mean subtracted, float32.
        rates: `(dim,)` radians per day, `dim` even.

    Returns:
        `(batch, window, dim)` float32.
    """
    angles = times * rates
    # Half of the sines and cosines are discarded: interleaving two tensors of half the width takes longer.
    return ops.where(np.arange(len(rates)) % 2 == 0, ops.sin(angles), ops.cos(angles))


@register
class InputEmbedding(keras.layers.Layer):
    """Dense embedding of the magnitude plus the encoding of the time.

    Args:
        dim: int, even. Width of the embedding.
        dropout: float. Rate of the dropout after the sum.
        invalid_magnitudes: input magnitude where `valid` is 0: a trainable scalar (`token`), 0 (`zero`), or the given
            magnitude (`keep`, the released behaviour, in which hidden magnitudes leak).
        time_encoding: rates of the encoding, `paper` or `log`, see `time_rates`.
        **kwargs: forwarded to `keras.layers.Layer`.

    Call arguments:
        magnitudes, times, valid: `(batch, window, 1)` float32. They are not cast to the compute dtype, because the 8
            significant bits of bfloat16 cannot represent thousands of days.

    Returns:
        `(batch, window, dim)` in the compute dtype.
    """

    def __init__(self, dim, dropout=0.0, invalid_magnitudes="token", time_encoding="paper", **kwargs):
        super().__init__(autocast=False, **kwargs)
        if invalid_magnitudes not in INVALID_MAGNITUDES:
            raise ValueError(f"invalid_magnitudes is {invalid_magnitudes!r}; expected one of {INVALID_MAGNITUDES}")
        if time_encoding not in TIME_ENCODINGS:
            raise ValueError(f"time_encoding is {time_encoding!r}; expected one of {TIME_ENCODINGS}")
        self.dim = dim
        self.dropout = dropout
        self.invalid_magnitudes = invalid_magnitudes
        self.time_encoding = time_encoding

    def build(self, magnitudes_shape, times_shape, valid_shape):
        self.projection = Dense(self.dim, name="projection", dtype=self.dtype_policy)
        self.projection.build(magnitudes_shape)
        self.dropping = Dropout(self.dropout, name="dropout", dtype=self.dtype_policy)
        if self.invalid_magnitudes == "token":
            self.mask_token = self.add_weight(shape=(), initializer="zeros", name="mask_token")

    def call(self, magnitudes, times, valid, training=None):
        if self.invalid_magnitudes == "token":
            magnitudes = ops.where(valid > 0, magnitudes, ops.cast(self.mask_token, magnitudes.dtype))
        elif self.invalid_magnitudes == "zero":
            magnitudes = ops.where(valid > 0, magnitudes, 0.0)
        encoded = time_encoding(ops.cast(times, "float32"), time_rates(self.dim, self.time_encoding))
        embedded = self.projection(magnitudes) + ops.cast(encoded, self.compute_dtype)
        return self.dropping(embedded, training=training)

    def compute_output_shape(self, magnitudes_shape, times_shape, valid_shape):
        return (*magnitudes_shape[:-1], self.dim)

    def get_config(self):
        config = {"dim": self.dim, "dropout": self.dropout, "invalid_magnitudes": self.invalid_magnitudes}
        return {**super().get_config(), **config, "time_encoding": self.time_encoding}
