"""Head `max`: the maximum over time of the last level."""

INPUTS = ("max",)


def features(pooled, variant: str):
    """Return features `(batch, dim)`."""
    return pooled["max"]
