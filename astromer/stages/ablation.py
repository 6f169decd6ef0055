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
    train: Sequence[Path],
    validation: Sequence[Path],
    test: Path,
    folder: Path,
    *,
    baselines: Mapping[str, Mapping[str, Any]],
    spc: Sequence[int],
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
    """Train classifiers from scratch on the windows of one fold, for each SPC, and score them on the test objects.

    Args:
        train, validation: records, one file per SPC.
        test: records of the test objects, which all SPC share.
        folder: written: the files of `astromer.stages.classify.train_heads`.
        baselines: by name, `baseline` (its module) and `variant`.
        spc: all SPC.
        window: observations per window.
        gru_units: width of the recurrent layer.
        classes, hidden_units, weighting, training, seed, state, tags: as for `astromer.stages.classify.train_heads`.
    """
    options = Training.read(training, "classification.baseline_training")
    shape = {"units": gru_units, "hidden": hidden_units}
    identity = {"seed": seed, "batch_size": options.batch_size, "window": window, "weighting": weighting, **shape}
    results = Results(classes, tags)
    for size, *learned in zip(spc, train, validation, strict=True):
        sets = _Sets(dict(zip(("train", "validation", "test"), (*learned, test), strict=True)), window, options)
        for name, section in baselines.items():
            keras.utils.set_random_seed(seed)
            modules = [f"astromer.models.baselines.{section['baseline']}"]
            job_fingerprint = fingerprint(learned, stage=__file__, modules=modules, section=dict(section), **identity)
            trained = train_and_predict(
                build_baseline(section["baseline"], num_classes=len(classes), variant=section["variant"], **shape),
                lambda epoch, sets=sets: sets.weighed("train", shuffle=True, seed=seed, epoch=epoch),
                {"validation": sets.weighed("validation"), "test": sets.batches("test")},
                sets.windows,
                folder / f"models/spc{size}/{name}.keras",
                classes=classes,
                options=options,
                weighting=weighting,
                state=StateFile(Path(state, f"spc{size}", name), job_fingerprint),
            )
            results.add(name, "baseline", size, trained.predictions, history=trained.history)
    results.write(folder)
    shutil.rmtree(state, ignore_errors=True)


class _Sets:
    """Batches of the training, validation and test windows of one SPC."""

    def __init__(self, records: Mapping[str, Path], window: int, options: Training) -> None:
        self.records, self.window, self.batch_size = records, window, options.batch_size
        self.windows = {subset: window_table(self.batches(subset)) for subset in records}

    def batches(self, subset: str, **more: Any) -> Any:
        """Return one epoch of windows."""
        size = {"window": self.window, "batch_size": self.batch_size, "pad_multiple": PAD_MULTIPLE}
        return plain_batches([self.records[subset]], **size, **more)

    def weighed(self, subset: str, **more: Any) -> Any:
        """Return one epoch of windows with the weight that gives equal weight to objects."""
        return weigh_objects(self.batches(subset, **more), self.windows[subset])
