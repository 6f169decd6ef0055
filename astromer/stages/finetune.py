"""Stage 5: adapt a pretrained encoder to a dataset, without labels."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from astromer.config.training import Devices, Finetuning, Masking
from astromer.files import atomic_path
from astromer.models.lora import adapt_attention
from astromer.models.weights import Pretrained, load_pretrained
from astromer.stages.reconstruction import build_on_devices, learn_to_reconstruct


def finetune_encoder(
    model: Path,
    train: Path,
    validation: Path,
    test: Path,
    folder: Path,
    *,
    training: Mapping[str, Any],
    masking: Mapping[str, Any],
    devices: Mapping[str, Any],
    window: int,
    seed: int,
    state: str,
    targets: Path | None = None,
) -> None:
    """Train the pretrained reconstructor further, with the same objective, on the objects of one fold and SPC.

    Args:
        model: file `model.weights.h5` of the pretrained reconstructor, with its `config.json` beside it.
        train, validation, test: records of the fold and SPC.
        folder: written, see `astromer.stages.reconstruction.learn_to_reconstruct`, and `timing.csv` with one row:
            `minutes` of training, empty for a job that was killed and resumed. It is the only file that differs between
            equal runs.
        training, masking, devices: sections of the configuration.
        window: observations per window.
        seed: seed of all random numbers.
        state: folder of the state from which a killed job resumes.
        targets: table of the summary objective, for an encoder that has one.
    """
    on_devices, options = Devices.read(devices, "devices"), Finetuning.read(training, "finetuning")

    def load() -> Pretrained:
        pretrained = load_pretrained(model.parent)
        if options.lora_rank is not None:
            adapt_attention(pretrained.model, options.lora_rank)
        return pretrained

    minutes = learn_to_reconstruct(
        build_on_devices(on_devices, seed, load),
        {"train": [train], "validation": [validation], "test": [test]},
        folder,
        training=options,
        masking=Masking.read(masking, "masking"),
        devices=on_devices,
        window=window,
        seed=seed,
        state=Path(state),
        targets=targets,
        initial=[model],
    )
    with atomic_path(folder / "timing.csv") as temporary:
        pl.DataFrame({"minutes": [minutes]}, schema={"minutes": pl.Float64}).write_csv(temporary)
