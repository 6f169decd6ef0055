"""Stage 8: classifiers without a pretrained encoder, on the same objects as the heads."""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras

from astromer.config.datasets import Weighting
from astromer.config.encoders import Training
from astromer.data.batches import PAD_MULTIPLE, plain_batches
from astromer.evaluation.embeddings import window_table
from astromer.models.baselines import build_baseline
from astromer.stages.classify import train_and_predict
from astromer.stages.results import Results
from astromer.training.classification import weigh_objects
from astromer.training.state import StateFile, fingerprint


def train_baselines(
    train: Path,
    validation: Path,
    test: Path,
    folder: Path,
    *,
    baselines: Mapping[str, Mapping[str, Any]],
    spc: int,
    classes: Sequence[str],
    window: int,
    hidden_units: Sequence[int],
    gru_units: int,
    weighting: Weighting,
    training: Mapping[str, Any],
    seed: int,
    state: str,
    tags: Mapping[str, Any],
) -> None:
    """Train classifiers from scratch on the windows of one fold and SPC, and score them on the test objects.

    Args:
        train, validation, test: records of the fold and SPC.
        folder: written: `predictions.parquet`, `metrics.csv`, `history.csv` and `models/<name of the baseline>.keras`.
        baselines: by name, `baseline` (its module) and `variant`.
        spc: samples per class.
        window: observations per window.
        gru_units: width of the recurrent layer.
        classes, hidden_units, weighting, training, seed, state, tags: as for `astromer.stages.classify.train_heads`.
    """
    options = Training.read(training, "classification.baseline_training")
    records = {"train": train, "validation": validation, "test": test}

    def batches(subset: str, **more: Any) -> Any:
        size = {"window": window, "batch_size": options.batch_size, "pad_multiple": PAD_MULTIPLE}
        return plain_batches([records[subset]], **size, **more)

    tables = {subset: window_table(batches(subset)) for subset in records}
    shape = {"units": gru_units, "hidden": hidden_units}
    results = Results(classes, tags)
    for name, section in baselines.items():
        keras.utils.set_random_seed(seed)
        identity = {"seed": seed, "batch_size": options.batch_size, "window": window, "weighting": weighting}
        print_of_job = fingerprint(
            [train, validation],
            stage=__file__,
            modules=[f"astromer.models.baselines.{section['baseline']}"],
            section=dict(section),
            **identity,
            **shape,
        )
        trained = train_and_predict(
            build_baseline(section["baseline"], num_classes=len(classes), variant=section["variant"], **shape),
            lambda epoch: weigh_objects(batches("train", shuffle=True, seed=seed, epoch=epoch), tables["train"]),
            {"validation": weigh_objects(batches("validation"), tables["validation"]), "test": batches("test")},
            tables,
            folder / f"models/{name}.keras",
            classes=classes,
            options=options,
            weighting=weighting,
            state=StateFile(Path(state, name), print_of_job),
        )
        results.add(name, "baseline", spc, trained.predictions, history=trained.history)
    results.write(folder)
    shutil.rmtree(state, ignore_errors=True)
