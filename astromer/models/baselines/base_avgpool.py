"""Baseline `base_avgpool`: the encoder's input embedding, trained from scratch, averaged over time."""

from astromer.models.embedding import InputEmbedding
from astromer.models.recurrence import MaskedMean


def features(inputs, *, dim: int, units: int, variant: str):
    """Return features `(batch, dim)`."""
    embedding = InputEmbedding(dim, invalid_magnitudes="keep", name="input_embedding")
    embedded = embedding(inputs["magnitudes"], inputs["times"], inputs["valid"])
    return MaskedMean(name="mean")(embedded, inputs["valid"])
