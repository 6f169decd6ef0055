"""Reader that makes stars instead of reading them; nothing is written to disk before ingest."""

from collections.abc import Iterator

import polars as pl

from astromer.data.readers.base import RawBatch
from astromer.data.simulation import SimulationSpec, simulate

BLOCK_OBJECTS = 1024


def read(survey: dict, *, name: str, source: None, seed: int, part: int, parts: int) -> Iterator[RawBatch]:
    """Yield one part of the survey's objects with their observations, in blocks."""
    spec = SimulationSpec(name=name, seed=seed, **survey["simulated"])
    indices = spec.shard(part, parts)
    for start in range(0, len(indices), BLOCK_OBJECTS):
        objects, observations = simulate(spec, indices[start : start + BLOCK_OBJECTS])
        origin = {"file": pl.lit(f"simulated {name}"), "line": pl.lit(None), "text": pl.lit(None)}
        yield RawBatch.of(objects, observations.with_columns(**origin))
