"""Stage 4: pretrain an encoder on light curves without labels, or import published weights."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from astromer.config.encoders import EncoderConfig
from astromer.config.section import Variant
from astromer.config.training import Devices, EncoderTraining, Masking
from astromer.data.batches import pretraining_batches
from astromer.evaluation.predictors import evaluate_reconstruction
from astromer.models.encoders import build_reconstructor
from astromer.models.weights import Pretrained, load_pretrained, save_pretrained
from astromer.stages.reconstruction import build_on_devices, learn_to_reconstruct, write_scores

Section = Mapping[str, Any]


def pretrain_encoder(
    train: Sequence[Path],
    validation: Sequence[Path],
    test: Sequence[Path],
    folder: Path,
    *,
    encoder: Section,
    training: Section,
    masking: Section,
    devices: Section,
    window: int,
    seed: int,
    state: str,
    targets: Path | None = None,
) -> None:
    """Train an encoder to reconstruct hidden magnitudes.

    Args:
        train, validation, test: files of records.
        folder: written, see `astromer.stages.reconstruction.learn_to_reconstruct`.
        encoder, training, masking, devices: sections of the configuration.
        window: observations per window.
        seed: seed of all random numbers.
        state: folder of the state from which a killed job resumes.
        targets: table of the summary objective, for an encoder that has one.
    """
    config = EncoderConfig.read({**encoder, "window": window}, "encoder")
    on_devices = Devices.read(devices, "devices")
    pretrained = build_on_devices(on_devices, seed, lambda: Pretrained(build_reconstructor(config), config))
    learn_to_reconstruct(
        pretrained,
        {"train": train, "validation": validation, "test": test},
        folder,
        training=EncoderTraining.read(training, "pretraining.training"),
        masking=Masking.read(masking, "masking"),
        devices=on_devices,
        window=window,
        seed=seed,
        state=Path(state),
        targets=targets,
    )


def import_weights(
    weights: Path, folder: Path, *, sha256: str, variant: Variant | None, devices: Section, seed: int
) -> None:
    """Convert published weights.

    Args:
        weights: zip archive of the authors, or `model.weights.h5` of the package.
        folder: written: model and configuration.
        sha256: checksum of `weights`.
        variant: variant of the model that gets the weights; None for weights that record it.
        devices: section of the configuration.
        seed: seed of the weights that the file lacks, such as a mask token.
    """
    pretrained = build_on_devices(
        Devices.read(devices, "devices"), seed, lambda: load_pretrained(weights, variant=variant, sha256=sha256)
    )
    save_pretrained(*pretrained, folder)


def score_imported(
    model: Path,
    test: Sequence[Path],
    scores: Path,
    *,
    masking: Section,
    devices: Section,
    batch_size: int,
    window: int,
    seed: int,
) -> None:
    """Score imported weights in the same way as a pretrained encoder.

    Args:
        model: file `model.weights.h5`, with its `config.json` beside it.
        test: files of records on which the reconstruction is scored.
        scores: written, one row per predictor.
        masking, devices: sections of the configuration.
        batch_size, window: windows per batch and observations per window.
        seed: seed of the masks.
    """
    pretrained = build_on_devices(Devices.read(devices, "devices"), seed, lambda: load_pretrained(model))
    # All windows are padded to the same length, because the released Astromer 1 attends to padding.
    batches = pretraining_batches(
        test,
        window=window,
        batch_size=batch_size,
        seed=seed,
        masking=Masking.read(masking, "masking"),
        variant=pretrained.config.variant,
        num_periods=pretrained.config.num_shown_periods,
        training=False,
    )
    write_scores(evaluate_reconstruction(pretrained.model, batches), scores)
