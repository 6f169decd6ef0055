"""Classifier heads on the pooled representations of a frozen encoder.

A head is a Keras model from what `pool` returns, `{"mean": (batch, levels, dim), "max": (batch, dim)}`, to logits
`(batch, num_classes)`. The encoder therefore runs once, whatever the number of heads and epochs.
"""

from collections.abc import Callable, Sequence

import keras
from keras import ops

from astromer.errors import InputError
from astromer.models.config import VARIANTS
from astromer.models.layers import register

HIDDEN_UNITS = (1024, 512, 256)


def classifier(features, num_classes: int, hidden: Sequence[int] = HIDDEN_UNITS):
    """Logits `(batch, num_classes)` of `(batch, dim)` features: relu layers, layer normalisation, dense."""
    for index, units in enumerate(hidden):
        features = keras.layers.Dense(units, "relu", name=f"hidden_{index}")(features)
    features = keras.layers.LayerNormalization(epsilon=1e-3, name="norm")(features)
    return keras.layers.Dense(num_classes, dtype="float32", name="logits")(features)


@register
class LevelMix(keras.layers.Layer):
    """Mix an encoder's levels by the softmax of trainable `gamma`.

    Gamma starts at 1 / levels, as in the released code, so that its raw values compare with the published ones.

    Args:
        variant: `paper` sums the weighted levels; `released` averages them, hence a further factor 1 / levels.
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
        """Effective weights of the levels, `(levels,)`: positive, their sum is 1."""
        return ops.softmax(self.gamma)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], input_shape[2])

    def get_config(self):
        return {**super().get_config(), "variant": self.variant}


def mix_levels(pooled, variant: str):
    """Head `skip`: learned mix of the time means of all levels. Layer `level_mix` holds gamma."""
    return LevelMix(variant, name="level_mix")(pooled["mean"])


def take_last_mean(pooled, variant: str):
    """Head `avg`: time mean of the last level, over valid points (the released one pooled the padding)."""
    return pooled["mean"][:, -1]


def take_last_max(pooled, variant: str):
    """Head `max`: maximum over time of the last level."""
    return pooled["max"]


HEADS: dict[str, Callable] = {"skip": mix_levels, "avg": take_last_mean, "max": take_last_max}


def build_head(
    name: str,
    *,
    num_levels: int,
    dim: int,
    num_classes: int,
    hidden: Sequence[int] = HIDDEN_UNITS,
    variant: str = "paper",
) -> keras.Model:
    """Build a registered head.

    Args:
        name: key of `HEADS`; a registered function takes the pooled inputs and the variant, and returns features
            `(batch, dim)` for the common classifier.
        num_levels: levels of the encoder, `num_blocks + 1`.
        dim: width of the encoder.
        num_classes: number of logits.
        hidden: widths of the classifier's relu layers.
        variant: `paper` or `released`.

    Returns:
        Model `head_<name>`: `{"mean": (batch, num_levels, dim), "max": (batch, dim)}` to logits `(batch, num_classes)`.

    Raises:
        InputError: the head is not registered.
    """
    if name not in HEADS:
        raise InputError(f"head is {name!r}; expected one of {sorted(HEADS)}")
    # Inputs
    pooled = {"mean": keras.Input((num_levels, dim), name="mean"), "max": keras.Input((dim,), name="max")}

    # Head
    logits = classifier(HEADS[name](pooled, variant), num_classes, hidden)
    return keras.Model(pooled, logits, name=f"head_{name}")
