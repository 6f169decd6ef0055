"""Head `skip`: a learned mix of the time means of all levels."""

import keras
from keras import ops

from astromer.config.section import VARIANTS
from astromer.errors import InputError
from astromer.models.layers import register

INPUTS = ("mean",)


@register
class LevelMix(keras.layers.Layer):
    """Mix an encoder's levels by the softmax of trainable `gamma`.

    Gamma is initialised to 1 / levels, as in the released code, so that its values are comparable to published ones.

    Args:
        variant: `paper` sums the weighted levels; `released` averages them, which adds a factor 1 / levels.
        **kwargs: forwarded to `keras.layers.Layer`.

    Call arguments:
        inputs: `(batch, levels, dim)`.

    Returns:
        `(batch, dim)`.
    """

    def __init__(self, variant="paper", **kwargs):
        super().__init__(**kwargs)
        if variant not in VARIANTS:
            raise InputError(f"head: variant is {variant!r}; expected one of {VARIANTS}")
        self.variant = variant

    def build(self, input_shape):
        levels = input_shape[1]
        self.gamma = self.add_weight(
            shape=(levels,), initializer=keras.initializers.Constant(1 / levels), dtype="float32", name="gamma"
        )

    def call(self, inputs):
        weights = ops.cast(self.level_weights(), inputs.dtype)
        mixed = ops.einsum("l,bld->bd", weights, inputs)
        return mixed / self.gamma.shape[0] if self.variant == "released" else mixed

    def level_weights(self):
        """Return the weights of the levels, `(levels,)`: positive, with a sum of 1."""
        return ops.softmax(self.gamma)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], input_shape[2])

    def get_config(self):
        return {**super().get_config(), "variant": self.variant}


def features(pooled, variant: str):
    """Return features `(batch, dim)`; the layer `level_mix` contains gamma."""
    return LevelMix(variant, name="level_mix")(pooled["mean"])
