"""Head `avg`: the time mean of the last level.

`released` averages over the padding instead, because the released code inverts its mask. For a full window, that is a
zero vector.
"""

from astromer.models.layers import LastLevel

INPUTS = ("mean",)
RELEASED_INPUTS = ("padding",)


def features(pooled, variant: str):
    """Return features `(batch, dim)`."""
    return pooled["padding"] if variant == "released" else LastLevel(name="last_level")(pooled["mean"])
