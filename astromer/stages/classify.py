"""Stage 7: heads on stored embeddings, their predictions and scores."""

import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import keras
import polars as pl

from astromer.config.datasets import HeadTraining, Weighting
from astromer.config.encoders import Training
from astromer.config.registry import head_arrays
from astromer.config.section import Variant
from astromer.evaluation.embeddings import head_inputs
from astromer.evaluation.scores import predictions_table, score_predictions, tag_scores
from astromer.files import atomic_path
from astromer.models.heads import build_head
from astromer.models.standardise import adapt_to_training
from astromer.training.classification import array_batches, predict, train_classifier
from astromer.training.state import StateFile, fingerprint
from astromer.training.steps import Batches


def train_head(
    embeddings: Path,
    folder: Path,
    *,
    head: str,
    variant: Variant,
    standardise: bool | None,
    classes: Sequence[str],
    hidden_units: Sequence[int],
    weighting: Weighting,
    training: Mapping[str, Any],
    seed: int,
    state: str,
    tags: Mapping[str, Any],
) -> None:
    """Train one head on the stored embeddings of one fold and SPC, and score it on the test objects.

    Args:
        embeddings: file written by `embed_dataset`.
        folder: written, see `train_and_score`.
        head, variant: name and variant of the head.
        standardise: whether its inputs are standardised, see `astromer.models.heads.build_head`.
        classes: classes in the order of the labels.
        hidden_units: widths of the classifier's relu layers.
        weighting: see `astromer.training.classification.train_classifier`.
        training: section of the configuration.
        seed: seed of all random numbers.
        state: folder of the state from which a killed job resumes.
        tags: columns that identify the scores, see `astromer.evaluation.scores.tag_scores`.
    """
    keras.utils.set_random_seed(seed)
    options, inputs = HeadTraining.read(training, "classification.training"), head_arrays(head, variant)
    table = pl.read_parquet(embeddings)
    tables = {name: table.filter(pl.col("subset") == name) for name in ("train", "validation", "test")}
    arrays = {name: head_inputs(rows, inputs) for name, rows in tables.items()}
    num_levels, dim = cast(pl.Array, table["mean"].dtype).shape
    shape = {"num_levels": num_levels, "dim": dim, "num_classes": len(classes), "hidden": hidden_units}
    identity = {"seed": seed, "batch_size": options.batch_size, "head": head, "variant": variant} | shape
    identity |= {"standardise": standardise, "weighting": weighting}
    model = build_head(head, variant=variant, standardise=standardise, **shape)
    adapt_to_training(model, arrays["train"])
    train_and_score(
        model,
        array_batches(arrays["train"], options.batch_size, seed=seed),
        array_batches(arrays["validation"], options.batch_size)(0),
        array_batches(arrays["test"], options.batch_size)(0),
        tables["test"],
        folder,
        classes=classes,
        options=options,
        weighting=weighting,
        state=StateFile(Path(state), fingerprint([embeddings], **identity)),
        tags=tags,
    )


def train_and_score(
    model: keras.Model,
    training_batches: Callable[[int], Batches],
    validation: Batches,
    test: Batches,
    test_windows: pl.DataFrame,
    folder: Path,
    *,
    classes: Sequence[str],
    options: Training,
    weighting: Weighting,
    state: StateFile,
    tags: Mapping[str, Any],
) -> None:
    """Train a classifier; write the model, its learning curve, its predictions for the test windows and its scores.

    Args:
        model: model whose output is logits.
        training_batches, validation, test: as for `astromer.training.classification.train_classifier`.
        test_windows: `id`, `window` and `label` of the rows of `test`.
        folder: written: `model.keras`, `history.csv`, `predictions.parquet`, `metrics.csv`.
        classes, options, weighting, state, tags: as for `train_head`.
    """
    history = train_classifier(model, training_batches, validation, options, weighting=weighting, state=state)
    ids, windows, labels = (test_windows[name] for name in ("id", "window", "label"))
    predictions = predictions_table(ids, windows, labels, predict(model, test), classes)
    with atomic_path(folder / "model.keras") as temporary:
        model.save(temporary)
    history.write(folder)
    with atomic_path(folder / "predictions.parquet") as temporary:
        predictions.write_parquet(temporary)
    with atomic_path(folder / "metrics.csv") as temporary:
        tag_scores(score_predictions(predictions, classes), **tags).write_csv(temporary)
    shutil.rmtree(state.folder, ignore_errors=True)
