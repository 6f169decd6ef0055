"""The classifier on top of all heads and baselines."""

from collections.abc import Sequence

import keras

# The released classifiers use Keras' default, unlike the released encoders (`layers.LAYER_NORM_EPSILON`).
CLASSIFIER_NORM_EPSILON = 1e-3


def classify(features, num_classes: int, hidden: Sequence[int]):
    """Compute logits `(batch, num_classes)` from features `(batch, dim)`: relu layers, layer normalisation, dense."""
    for index, units in enumerate(hidden):
        features = keras.layers.Dense(units, "relu", name=f"hidden_{index}")(features)
    features = keras.layers.LayerNormalization(epsilon=CLASSIFIER_NORM_EPSILON, name="norm")(features)
    return keras.layers.Dense(num_classes, dtype="float32", name="logits")(features)
