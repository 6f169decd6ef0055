"""Head `avg`: the time mean of the last level, over valid points (the released one pooled the padding)."""

INPUTS = ("mean",)


def features(pooled, variant: str):
    """Return features `(batch, dim)`."""
    return pooled["mean"][:, -1]
