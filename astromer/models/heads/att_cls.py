"""Head `att_cls`: a trainable class token attends to the points of the last level.

`released` gives a zero vector, and therefore the same logits for every window: the released code masks the token's own
query, because it inverts its mask, and neither trains nor saves the token.
"""

import keras
from keras import ops

from astromer.models.heads.att_avg import attend
from astromer.models.layers import register

INPUTS = ("sequence", "valid")
TOKEN_STDDEV = 0.02  # of the released code's initial token


@register
class ClassToken(keras.layers.Layer):
    """Let a trainable token attend to the points of a window and to itself by dot-product attention.

    Args:
        masked: mask the token's query, as the released code does: the result is 0.
        **kwargs: forwarded to `keras.layers.Layer`.

    Call arguments:
        sequence: `(batch, window, dim)`.
        valid: `(batch, window, 1)`, 1 on real, visible points.

    Returns:
        `(batch, dim)`.
    """

    def __init__(self, masked=False, **kwargs):
        super().__init__(**kwargs)
        self.masked = masked

    def build(self, sequence_shape, valid_shape):
        initializer = keras.initializers.RandomNormal(stddev=TOKEN_STDDEV)
        self.token = self.add_weight(
            shape=(1, 1, sequence_shape[-1]), initializer=initializer, trainable=not self.masked, name="token"
        )

    def call(self, sequence, valid):
        token = ops.repeat(ops.cast(self.token, sequence.dtype), ops.shape(sequence)[0], axis=0)
        keys = ops.concatenate([token, sequence], axis=1)
        chosen = ops.concatenate([ops.ones_like(token[..., :1]), ops.cast(valid, sequence.dtype)], axis=1)
        gathered = attend(token, keys, chosen)[:, 0]
        return ops.zeros_like(gathered) if self.masked else gathered

    def compute_output_shape(self, sequence_shape, valid_shape):
        return (sequence_shape[0], sequence_shape[-1])

    def get_config(self):
        return {**super().get_config(), "masked": self.masked}


def features(pooled, variant: str):
    """Return features `(batch, dim)`; the layer `class_token` contains the token."""
    return ClassToken(variant == "released", name="class_token")(pooled["sequence"], pooled["valid"])
