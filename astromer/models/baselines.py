"""Classifiers without a pretrained encoder, trained from scratch on the windows themselves."""

from collections.abc import Callable, Sequence

import keras
from keras import ops

from astromer.errors import InputError
from astromer.models.config import VARIANTS
from astromer.models.encoders import window_inputs
from astromer.models.heads import HIDDEN_UNITS, classifier
from astromer.models.layers import InputEmbedding, register
from astromer.models.pooling import masked_mean


@register
class TimeSteps(keras.layers.Layer):
    """Features of a recurrent network: the magnitude, and the time in a form it can learn from.

    Args:
        variant: `paper` gives log(1 + days since the previous point of the window), 0 at the first one; `released`
            gives the time itself in days, whose hundreds saturate the gates: the handicap of the released baseline.
        **kwargs: forwarded to `keras.layers.Layer`.

    Call arguments:
        magnitudes, times [days], valid: `(batch, window, 1)` float32, times ascending over the valid points.

    Returns:
        `(batch, window, 2)` in the compute dtype, 0 at invalid points.
    """

    def __init__(self, variant="paper", **kwargs):
        super().__init__(autocast=False, **kwargs)
        if variant not in VARIANTS:
            raise InputError(f"baseline: variant is {variant!r}; expected one of {VARIANTS}")
        self.variant = variant

    def call(self, magnitudes, times, valid):
        if self.variant == "paper":
            previous = ops.concatenate([times[:, :1], times[:, :-1]], axis=1)
            times = ops.log1p(ops.maximum(times - previous, 0.0))
        features = ops.concatenate([magnitudes, times], axis=-1)
        return ops.cast(ops.where(valid > 0, features, 0.0), self.compute_dtype)

    def compute_output_shape(self, magnitudes_shape, times_shape, valid_shape):
        return (*magnitudes_shape[:-1], 2)

    def get_config(self):
        return {**super().get_config(), "variant": self.variant}


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


def _embed(inputs, dim: int):
    embedding = InputEmbedding(dim, invalid_magnitudes="keep", name="input_embedding")
    return embedding(inputs["magnitudes"], inputs["times"], inputs["valid"])


def _last_state(features, inputs, units: int):
    mask = ValidSteps(name="steps_valid")(inputs["valid"])
    return keras.layers.GRU(units, name="gru")(features, mask=mask)


def average_embedding(inputs, *, dim: int, units: int, variant: str):
    """Baseline `base_avgpool`: the encoder's input embedding, trained from scratch, averaged over time."""
    return MaskedMean(name="mean")(_embed(inputs, dim), inputs["valid"])


def recur_embedding(inputs, *, dim: int, units: int, variant: str):
    """Baseline `base_gru`: the same embedding, then a recurrent network."""
    return _last_state(_embed(inputs, dim), inputs, units)


def recur_raw(inputs, *, dim: int, units: int, variant: str):
    """Baseline `raw_gru`: a recurrent network on magnitude and time; `variant` decides the form of the time."""
    features = TimeSteps(variant, name="time_steps")(inputs["magnitudes"], inputs["times"], inputs["valid"])
    return _last_state(features, inputs, units)


BASELINES: dict[str, Callable] = {
    "raw_gru": recur_raw,
    "base_avgpool": average_embedding,
    "base_gru": recur_embedding,
}


def build_baseline(
    name: str,
    *,
    num_classes: int,
    dim: int = 256,
    units: int = 256,
    hidden: Sequence[int] = HIDDEN_UNITS,
    variant: str = "paper",
) -> keras.Model:
    """Build a registered baseline.

    Args:
        name: key of `BASELINES`; a registered function takes the inputs, `dim`, `units` and `variant`, and returns
            features `(batch, any)` for the common classifier.
        num_classes: number of logits.
        dim: width of the input embedding (`base_avgpool`, `base_gru`).
        units: units of the recurrent network (`raw_gru`, `base_gru`).
        hidden: widths of the classifier's relu layers.
        variant: `paper` gives `raw_gru` scaled times, `released` days; the others do not depend on it.

    Returns:
        Model `baseline_<name>`: the encoder's inputs, everything real being visible, to logits `(batch, num_classes)`.

    Raises:
        InputError: the baseline is not registered.
    """
    if name not in BASELINES:
        raise InputError(f"baseline is {name!r}; expected one of {sorted(BASELINES)}")
    # Inputs
    inputs = window_inputs()

    # Classifier
    features = BASELINES[name](inputs, dim=dim, units=units, variant=variant)
    return keras.Model(inputs, classifier(features, num_classes, hidden), name=f"baseline_{name}")
