"""Head `linear`: a logistic regression on the time mean of the last level, the usual probe of an embedding.

It has no hidden layers and no layer normalisation, whatever the configuration; both variants are the same.
"""

import keras

from astromer.models.layers import LastLevel

INPUTS = ("mean",)


def features(pooled, variant: str):
    """Return features `(batch, dim)`."""
    return LastLevel(name="last_level")(pooled["mean"])


def classify(features, num_classes: int, hidden):
    """Return logits `(batch, num_classes)`: one dense layer; `hidden` is not used."""
    return keras.layers.Dense(num_classes, dtype="float32", name="logits")(features)
