"""Stage 9: a pretrained model reconstructs hidden magnitudes, of example objects and of all test objects by class."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from astromer.config.training import Masking
from astromer.data.batches import PAD_MULTIPLE, pretraining_batches
from astromer.evaluation.predictors import hidden_errors_by_class
from astromer.evaluation.reconstruction import reconstructed_points
from astromer.files import atomic_path
from astromer.models.weights import load_pretrained

BATCH_SIZE = 128  # does not change the result


def reconstruct_windows(
    model: Path,
    records: Path,
    points: Path,
    *,
    classes: Sequence[str],
    per_class: int,
    window: int,
    masking: Mapping[str, Any],
    seed: int,
) -> None:
    """Hide points of example objects and predict them with the pretrained model.

    Args:
        points: written, see `astromer.evaluation.reconstruction.reconstructed_points`.
        masking: section of the configuration.
        model, records, classes, per_class, window, seed: as for `astromer.stages.attention.analyse_attention`.
    """
    table = reconstructed_points(
        load_pretrained(model.parent).model,
        records,
        classes=classes,
        per_class=per_class,
        window=window,
        masking=Masking.read(masking, "masking"),
        seed=seed,
    )
    with atomic_path(points) as temporary:
        table.write_parquet(temporary)


def score_hidden_points(
    model: Path,
    records: Path,
    scores: Path,
    *,
    classes: Sequence[str],
    window: int,
    masking: Mapping[str, Any],
    seed: int,
) -> None:
    """Hide points of all objects of a set and score their reconstruction for each class.

    Args:
        model: file `model.weights.h5` of the pretrained reconstructor, with its `config.json` beside it.
        records: records of labelled objects that it was not trained on.
        scores: written, see `astromer.evaluation.predictors.hidden_errors_by_class`.
        classes: the dataset's ordered class list.
        window: observations per window.
        masking: section of the configuration.
        seed: seed of the masks.
    """
    pretrained = load_pretrained(model.parent)
    batches = pretraining_batches(
        [records],
        window=window,
        batch_size=BATCH_SIZE,
        seed=seed,
        masking=Masking.read(masking, "masking"),
        variant=pretrained.config.variant,
        num_periods=pretrained.config.num_shown_periods,
        pad_multiple=PAD_MULTIPLE if pretrained.config.ignores_padding else None,
        training=False,
    )
    with atomic_path(scores) as temporary:
        hidden_errors_by_class(pretrained.model, batches, classes).write_csv(temporary)
