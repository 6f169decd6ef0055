"""Stage 8: classifiers without a pretrained encoder, on the same objects as the heads."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras

from astromer.config.datasets import Weighting
from astromer.config.encoders import Training
from astromer.config.section import Variant
from astromer.data.batches import PAD_MULTIPLE, plain_batches
from astromer.evaluation.embeddings import window_table
from astromer.models.baselines import build_baseline
from astromer.stages.classify import train_and_score
from astromer.training.classification import weigh_objects
from astromer.training.state import StateFile, fingerprint


def train_baseline(
    train: Path,
    validation: Path,
    test: Path,
    folder: Path,
    *,
    baseline: str,
    variant: Variant,
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
    """Train one classifier from scratch on the windows of one fold and SPC, and score it on the test objects.

    Args:
        train, validation, test: records of the fold and SPC.
        folder: written, see `astromer.stages.classify.train_and_score`.
        baseline, variant: name and variant of the baseline.
        window: observations per window.
        gru_units: width of the recurrent layer.
        classes, hidden_units, weighting, training, seed, state, tags: as for `astromer.stages.classify.train_head`.
    """
    keras.utils.set_random_seed(seed)
    options = Training.read(training, "classification.baseline_training")

    def batches(path: Path, **more: Any) -> Any:
        return plain_batches([path], window=window, batch_size=options.batch_size, pad_multiple=PAD_MULTIPLE, **more)

    tables = {path: window_table(batches(path)) for path in (train, validation, test)}
    shape = {"units": gru_units, "hidden": hidden_units}
    identity = {"seed": seed, "batch_size": options.batch_size, "window": window, "baseline": baseline}
    identity |= {"variant": variant, "weighting": weighting} | shape
    train_and_score(
        build_baseline(baseline, num_classes=len(classes), variant=variant, **shape),
        lambda epoch: weigh_objects(batches(train, shuffle=True, seed=seed, epoch=epoch), tables[train]),
        weigh_objects(batches(validation), tables[validation]),
        batches(test),
        tables[test],
        folder,
        classes=classes,
        options=options,
        weighting=weighting,
        state=StateFile(Path(state), fingerprint([train, validation], **identity)),
        tags=tags,
    )
