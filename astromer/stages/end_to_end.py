"""Stage 7: heads that are trained together with the encoder below them, from the light curves."""

import shutil
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import keras

from astromer.config.datasets import HeadTraining, Weighting
from astromer.config.registry import head_arrays, reads_padding
from astromer.data.batches import PAD_MULTIPLE
from astromer.evaluation.embeddings import embed_windows, head_inputs
from astromer.models.encoders import num_periods_of
from astromer.models.heads import build_head, join_encoder
from astromer.models.standardise import adapt_to_training
from astromer.models.weights import load_pretrained
from astromer.stages.classify import train_on_light_curves
from astromer.stages.results import NO_CALIBRATION, Results
from astromer.stages.sets import WindowSets, records_of_sets
from astromer.training.state import StateFile, fingerprint


def train_end_to_end(
    models: Sequence[Path],
    train: Sequence[Path],
    validation: Sequence[Path],
    test: Sequence[Path],
    folder: Path,
    *,
    heads: Mapping[str, Mapping[str, Any]],
    folds: Sequence[int],
    spc: Sequence[int],
    seeds: Sequence[int],
    classes: Sequence[str],
    window: int,
    weighting: Weighting,
    training: Mapping[str, Any],
    state: str,
    tags: Mapping[str, Any],
    calibration: Mapping[str, Any] = NO_CALIBRATION,
) -> None:
    """Train heads and their encoder together, for each fold, SPC and seed, and score them on the test objects.

    Args:
        models: files `model.weights.h5` of pretrained reconstructors: one for all sets, or one for each fold and SPC.
        train, validation: records, one file for each fold and SPC, in the order of the folds.
        test: records of the test objects, one file per fold, which all SPC share.
        folder: written: the files of `astromer.stages.classify.train_heads`; the models contain the encoder.
        window: observations per window.
        heads, folds, spc, seeds, classes, weighting, training, state, tags, calibration: as for
            `astromer.stages.classify.train_heads`.
    """
    options = HeadTraining.read(training, "classification.training")
    identity = {"batch_size": options.batch_size, "window": window, "weighting": weighting}
    results = Results(classes, tags, **calibration)
    encoders = list(models) * (len(train) // len(models))
    all_records = records_of_sets(folds, spc, train, validation, test)
    for path, (fold, size, records) in zip(encoders, all_records, strict=True):
        for (number, seed), (name, head) in product(enumerate(seeds), heads.items()):
            place = f"fold{fold}/spc{size}/seed{number}"
            keras.utils.set_random_seed(seed)
            model, sets = _build(path, records, head, window, options.batch_size, len(classes))
            job_fingerprint = fingerprint(
                [path, records["train"], records["validation"]],
                stage=__file__,
                modules=[f"astromer.models.heads.{head['head']}"],
                **identity | {"seed": seed, "head": dict(head)},
            )
            trained = train_on_light_curves(
                model,
                sets,
                folder / f"models/{place}/{name}.keras",
                seed=seed,
                classes=classes,
                options=options,
                weighting=weighting,
                state=StateFile(Path(state, place, name), job_fingerprint),
            )
            about = {"fold": fold, "spc": size, "seed": number}
            results.add(name, "head", trained.predictions, **about, history=trained.history)
    results.write(folder)
    shutil.rmtree(state, ignore_errors=True)


def _build(
    path: Path, records: Mapping[str, Path], head: Mapping[str, Any], window: int, batch_size: int, num_classes: int
) -> tuple[keras.Model, WindowSets]:
    """Join a pretrained encoder and a new head, whose inputs are standardised as for the frozen encoder."""
    pretrained = load_pretrained(path.parent)
    encoder, arrays = pretrained.model.get_layer("encoder"), head_arrays(head["head"], head["variant"])
    padded = not pretrained.config.ignores_padding or reads_padding(head["head"], head["variant"])
    sets = WindowSets(
        records,
        window=window,
        batch_size=batch_size,
        num_periods=num_periods_of(encoder),
        pad_multiple=None if padded else PAD_MULTIPLE,
    )
    classifier = build_head(
        head["head"],
        num_levels=len(encoder.outputs),
        dim=encoder.outputs[0].shape[-1],
        num_classes=num_classes,
        hidden=head["hidden_units"],
        variant=head["variant"],
        standardise=head["standardise"],
    )
    embedded = embed_windows(encoder, sets.batches("train"), arrays, window=window)
    adapt_to_training(classifier, head_inputs(embedded, arrays))
    return join_encoder(encoder, classifier, arrays), sets
