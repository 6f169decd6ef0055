"""Head `msx`: mean, standard deviation and maximum over time of the last level, and the logarithm of the scale."""

from keras import ops

INPUTS = ("mean", "std", "max", "log_scale")


def features(pooled, variant: str):
    """Features `(batch, 3 * dim + 1)`."""
    return ops.concatenate([pooled["mean"][:, -1], pooled["std"], pooled["max"], pooled["log_scale"]], axis=-1)
