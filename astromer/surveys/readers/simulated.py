"""Reader that simulates stars instead of reading a dump; nothing is written to disk before ingest."""

from collections.abc import Iterator
from typing import Annotated, Literal

import polars as pl
from pydantic import Field

from astromer.config.section import Distinct, Positive
from astromer.config.surveys import Options as _Options
from astromer.surveys.reading import RawBatch
from astromer.surveys.simulation import SimulationSpec, simulate

BLOCK_OBJECTS = 1024  # stars simulated at once: bounds the memory


class SimulatedOptions(_Options):
    """A simulated survey of periodic variable stars."""

    simulated = True

    style: Literal["macho", "atlas"] = Field(
        description="The survey whose cadence, depth, errors and classes are imitated."
    )
    objects: Positive = Field(description="Number of light curves.")
    classes: Annotated[list[str], Field(min_length=1), Distinct] = Field(
        description="Classes of the style, equally frequent; see `STYLES` in `astromer/surveys/simulation/`."
    )
    mean_observations: float | None = Field(
        None,
        gt=0,
        description="Mean length of a light curve; less than the style's own (650 for macho, 200 for atlas) shortens "
        "the survey.",
    )


Options = SimulatedOptions


def read(options: SimulatedOptions, *, name: str, source: None, seed: int, part: int, parts: int) -> Iterator[RawBatch]:
    """Yield one part of the survey's objects with their observations, in blocks."""
    spec = SimulationSpec(name=name, seed=seed, **options.plain())
    indices = spec.shard(part, parts)
    for start in range(0, len(indices), BLOCK_OBJECTS):
        objects, observations = simulate(spec, indices[start : start + BLOCK_OBJECTS])
        origin = {"file": pl.lit(f"simulated {name}"), "line": pl.lit(None), "text": pl.lit(None)}
        yield RawBatch.of(objects, observations.with_columns(**origin))
