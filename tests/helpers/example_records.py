"""Records of a few simulated stars, and a small encoder that has not been trained."""

from pathlib import Path

import keras
import polars as pl

from astromer.config.encoders import EncoderConfig
from astromer.data.records import write_records
from astromer.models.encoders import build_reconstructor
from astromer.surveys.simulation import SimulationSpec, simulate

CLASSES = ["EC", "RRab"]
SHORTEST, LONGEST = 30, 90


def stars(number: int = 8) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Objects and observations; later stars have more observations, from 30 to 90."""
    objects, observations = simulate(SimulationSpec("sim", "macho", number, 3, CLASSES), range(number))
    lengths = {name: SHORTEST + (LONGEST - SHORTEST) * i // (number - 1) for i, name in enumerate(objects["id"])}
    kept = observations.with_columns(place=pl.int_range(pl.len()).over("id")).filter(
        pl.col("place") < pl.col("id").replace_strict(lengths)
    )
    return objects.with_columns(shard=pl.lit(0)), kept.drop("place")


def write_stars(path: Path, classes: list[str] = CLASSES) -> Path:
    """Write the stars of `classes`, labelled by `CLASSES`."""
    objects, observations = stars()
    write_records(observations, objects.filter(pl.col("class").is_in(classes)), path, classes=CLASSES)
    return path


def small_config(architecture: str = "v2", variant: str = "paper") -> EncoderConfig:
    """One block with two heads."""
    sizes = {"num_blocks": 1, "num_heads": 2, "head_dim": 4, "feedforward_dim": 8}
    return EncoderConfig(architecture=architecture, variant=variant, **sizes)


def small_reconstructor(architecture: str = "v2", variant: str = "paper") -> keras.Model:
    """A reconstructor with the encoder of `small_config`, the same at each call."""
    keras.utils.set_random_seed(5)
    return build_reconstructor(small_config(architecture, variant))


def small_encoder() -> keras.Model:
    """The encoder of `small_reconstructor`."""
    return small_reconstructor().get_layer("encoder")
