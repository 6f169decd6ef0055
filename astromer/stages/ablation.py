"""Stage 8: classifiers without a pretrained encoder, on the same objects as the heads."""

import shutil
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import keras

from astromer.config.datasets import Weighting
from astromer.config.training import Training
from astromer.models.baselines import build_baseline
from astromer.stages.classify import train_on_light_curves
from astromer.stages.results import NO_CALIBRATION, Results
from astromer.stages.sets import WindowSets, records_of_sets
from astromer.training.state import StateFile, fingerprint


def train_baselines(
    train: Sequence[Path],
    validation: Sequence[Path],
    test: Sequence[Path],
    folder: Path,
    *,
    baselines: Mapping[str, Mapping[str, Any]],
    folds: Sequence[int],
    spc: Sequence[int],
    seeds: Sequence[int],
    classes: Sequence[str],
    window: int,
    hidden_units: Sequence[int],
    gru_units: int,
    weighting: Weighting,
    training: Mapping[str, Any],
    state: str,
    tags: Mapping[str, Any],
    calibration: Mapping[str, Any] = NO_CALIBRATION,
) -> None:
    """Train classifiers from scratch, for each fold, SPC and seed, and score them on the test objects.

    Args:
        train, validation: records, one file for each fold and SPC, in the order of the folds.
        test: records of the test objects, one file per fold, which all SPC share.
        folder: written: the files of `astromer.stages.classify.train_heads`.
        baselines: by name, `baseline` (its module) and `variant`.
        window: observations per window.
        gru_units: width of the recurrent layer.
        folds, spc, seeds, classes, hidden_units, weighting, training, state, tags, calibration: as for
            `astromer.stages.classify.train_heads`.
    """
    options = Training.read(training, "classification.baseline_training")
    shape = {"units": gru_units, "hidden": hidden_units}
    identity = {"batch_size": options.batch_size, "window": window, "weighting": weighting, **shape}
    results = Results(classes, tags, **calibration)
    for fold, size, records in records_of_sets(folds, spc, train, validation, test):
        learned = [records["train"], records["validation"]]
        sets = WindowSets(records, window=window, batch_size=options.batch_size)
        for (number, seed), (name, section) in product(enumerate(seeds), baselines.items()):
            place = f"fold{fold}/spc{size}/seed{number}"
            keras.utils.set_random_seed(seed)
            modules = [f"astromer.models.baselines.{section['baseline']}"]
            job_fingerprint = fingerprint(
                learned, stage=__file__, modules=modules, section=dict(section), seed=seed, **identity
            )
            trained = train_on_light_curves(
                build_baseline(section["baseline"], num_classes=len(classes), variant=section["variant"], **shape),
                sets,
                folder / f"models/{place}/{name}.keras",
                seed=seed,
                classes=classes,
                options=options,
                weighting=weighting,
                state=StateFile(Path(state, place, name), job_fingerprint),
            )
            about = {"fold": fold, "spc": size, "seed": number}
            results.add(name, "baseline", trained.predictions, **about, history=trained.history)
    results.write(folder)
    shutil.rmtree(state, ignore_errors=True)
