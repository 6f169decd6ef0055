"""Summary head: predicts statistics and period of a star from the pooled representation; in pretraining only."""

import keras

from astromer.config.statistics import PERIOD_CLASSES, STATISTICS
from astromer.models.layers import register
from astromer.models.pooling import masked_mean

HIDDEN_UNITS = 128  # between representation and targets; not tuned


@register
class SummaryHead(keras.layers.Layer):
    """Predict the statistics and the period of a star from the mean representation of a window's valid points.

    Args:
        **kwargs: forwarded to `keras.layers.Layer`.

    Call arguments:
        inputs: `(batch, window, dim)`.
        valid: `(batch, window, 1)`, 1 on real, visible points.

    Returns:
        Normalised ranks of the statistics `(batch, 30)`, and logits of the period's classes `(batch, 48)`; float32.
    """

    def __init__(self, **kwargs):
        super().__init__(**{"dtype": "float32", **kwargs})

    def build(self, inputs_shape, valid_shape):
        pooled_shape, hidden_shape = (inputs_shape[0], inputs_shape[-1]), (inputs_shape[0], HIDDEN_UNITS)
        self.hidden = self._dense("hidden", HIDDEN_UNITS, pooled_shape, "relu")
        self.statistics = self._dense("statistics", len(STATISTICS), hidden_shape)
        self.period_class = self._dense("period_class", PERIOD_CLASSES, hidden_shape)

    def _dense(self, name, units, input_shape, activation=None):
        layer = keras.layers.Dense(units, activation, name=name, dtype=self.dtype_policy)
        layer.build(input_shape)
        return layer

    def call(self, inputs, valid):
        hidden = self.hidden(masked_mean(inputs, valid))
        return self.statistics(hidden), self.period_class(hidden)

    def compute_output_shape(self, inputs_shape, valid_shape):
        return (inputs_shape[0], len(STATISTICS)), (inputs_shape[0], PERIOD_CLASSES)
