"""Head `att_avg`: dot-product attention among the points of the last level, then the time mean.

As in the released code, the attention has no weights and its scores are not scaled. `released` attends to the padding
and averages over it, because the released code inverts its mask. For a full window, that is 0/0 and gives NaN in the
released code; here it gives a zero vector, so that training is possible. Either way, all predictions are one class.
"""

import keras
from keras import ops

from astromer.models.layers import register
from astromer.models.pooling import masked_mean

INPUTS = ("sequence", "valid")
NOT_ATTENDED = -1e9  # added to the scores of such keys, as Keras does


@register
class AttendedMean(keras.layers.Layer):
    """Average over time what each point receives from all points by dot-product attention.

    Args:
        inverted: attend to invalid points only and average over them: the released mask.
        **kwargs: forwarded to `keras.layers.Layer`.

    Call arguments:
        sequence: `(batch, window, dim)`.
        valid: `(batch, window, 1)`, 1 on real, visible points.

    Returns:
        `(batch, dim)`, 0 for a window without points to average over.
    """

    def __init__(self, inverted=False, **kwargs):
        super().__init__(**kwargs)
        self.inverted = inverted

    def call(self, sequence, valid):
        chosen = 1.0 - valid if self.inverted else valid
        return masked_mean(attend(sequence, sequence, chosen), chosen)

    def compute_output_shape(self, sequence_shape, valid_shape):
        return (sequence_shape[0], sequence_shape[-1])

    def get_config(self):
        return {**super().get_config(), "inverted": self.inverted}


def attend(queries, keys, chosen):
    """Average the keys `(batch, points, dim)` where `chosen` `(batch, points, 1)` is 1, with weights for each query.

    The weights are the softmax of the dot products with the queries `(batch, queries, dim)`.
    """
    scores = ops.matmul(queries, ops.transpose(keys, (0, 2, 1)))
    scores += NOT_ATTENDED * ops.transpose(1.0 - chosen, (0, 2, 1))
    return ops.matmul(ops.softmax(scores, axis=-1), keys)


def features(pooled, variant: str):
    """Return features `(batch, dim)`."""
    return AttendedMean(variant == "released", name="attended_mean")(pooled["sequence"], pooled["valid"])
