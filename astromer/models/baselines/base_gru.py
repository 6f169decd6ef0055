"""Baseline `base_gru`: the encoder's input embedding, trained from scratch, then a recurrent network."""

from astromer.models.embedding import InputEmbedding
from astromer.models.recurrence import last_state


def features(inputs, *, dim: int, units: int, variant: str):
    """Return features `(batch, units)`."""
    embedding = InputEmbedding(dim, invalid_magnitudes="keep", name="input_embedding")
    embedded = embedding(inputs["magnitudes"], inputs["times"], inputs["valid"])
    return last_state(embedded, inputs["valid"], units)
