"""Head `msx`: mean, standard deviation and maximum over time of the last level, and the logarithm of the scale."""

import keras

from astromer.models.layers import LastLevel

INPUTS = ("mean", "std", "max", "log_scale")


def features(pooled, variant: str):
    """Features `(batch, 3 * dim + 1)`."""
    mean = LastLevel(name="last_level")(pooled["mean"])
    return keras.layers.Concatenate(name="joined")([mean, pooled["std"], pooled["max"], pooled["log_scale"]])
