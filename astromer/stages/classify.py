"""Stage 7: heads on stored embeddings, their predictions and scores."""

import shutil
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple, cast

import keras
import polars as pl

from astromer.config.datasets import HeadTraining, Weighting
from astromer.config.registry import head_arrays
from astromer.config.training import Training
from astromer.evaluation.embeddings import head_inputs
from astromer.evaluation.predictions import predictions_table
from astromer.models.weights import save_model
from astromer.splits.draw import sets_of
from astromer.stages.results import NO_CALIBRATION, Results, read_embeddings
from astromer.stages.sets import WindowSets
from astromer.training.arrays import array_batches
from astromer.training.classification import predictor, prepare_head, train_classifier
from astromer.training.state import StateFile, fingerprint
from astromer.training.steps import Batches


def train_heads(
    embeddings: Path,
    split: Path,
    folder: Path,
    *,
    heads: Mapping[str, Mapping[str, Any]],
    folds: Sequence[int],
    spc: Sequence[int],
    seeds: Sequence[int],
    classes: Sequence[str],
    weighting: Weighting,
    training: Mapping[str, Any],
    state: str,
    tags: Mapping[str, Any],
    calibration: Mapping[str, Any] = NO_CALIBRATION,
) -> None:
    """Train all heads, for each fold, SPC and seed, on the stored embeddings and score them on the test objects.

    Args:
        embeddings: file written by `astromer.stages.embed`.
        split: sets of the dataset.
        folder: written: `predictions.parquet` (validation and test), `metrics.csv`, `history.csv` and
            `models/fold<fold>/spc<spc>/seed<number of the seed>/<name of the head>.keras`.
        heads: by name, `head` (its module), `variant`, `standardise` and `hidden_units`, see
            `astromer.models.heads.build_head`.
        folds, spc: all folds, and all SPC.
        seeds: seeds of all random numbers, one for each initialisation.
        classes: classes in the order of the labels.
        weighting: see `astromer.training.classification.train_classifier`.
        training: section of the configuration.
        state: folder of the states from which a killed job resumes; deleted at the end.
        tags: columns that identify the scores, see `astromer.evaluation.scores.tag_scores`.
        calibration: `temperature` and `coverage`, see `astromer.stages.results.Results`.
    """
    options = HeadTraining.read(training, "classification.training")
    sets, results = pl.read_parquet(split), Results(classes, tags, **calibration)
    for fold, size, vectors in read_embeddings(embeddings, folds, spc):
        tables = sets_of(vectors, sets, fold=fold, spc=size)
        for (number, seed), (name, head) in product(enumerate(seeds), heads.items()):
            place = f"fold{fold}/spc{size}/seed{number}"
            job_fingerprint = fingerprint(
                [embeddings, split],
                stage=__file__,
                modules=[f"astromer.models.heads.{head['head']}"],
                **{"fold": fold, "spc": size, "seed": seed, "head": dict(head)},
                **{"batch_size": options.batch_size, "weighting": weighting},
            )
            trained = _train_head(
                tables,
                folder / f"models/{place}/{name}.keras",
                head=head,
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


class Trained(NamedTuple):
    """Predictions of a trained classifier for `validation` and `test`, and its learning curve, one row per epoch."""

    predictions: dict[str, pl.DataFrame]
    history: pl.DataFrame


def _train_head(
    tables: Mapping[str, pl.DataFrame], path: Path, *, head: Mapping[str, Any], seed: int, **arguments: Any
) -> Trained:
    """Train one head on the windows of its sets; the other arguments are those of `train_and_predict`."""
    keras.utils.set_random_seed(seed)
    inputs = head_arrays(head["head"], head["variant"])
    arrays = {name: head_inputs(rows, inputs) for name, rows in tables.items()}
    num_levels, dim = cast(pl.Array, tables["train"]["mean"].dtype).shape
    num_classes = len(arguments["classes"])
    model = prepare_head(head, arrays["train"], num_levels=num_levels, dim=dim, num_classes=num_classes)
    batch_size = arguments["options"].batch_size
    training = array_batches(arrays["train"], batch_size, seed=seed)
    others = {name: array_batches(arrays[name], batch_size)(0) for name in ("validation", "test")}
    return train_and_predict(model, training, others, tables, path, **arguments)


def train_on_light_curves(model: keras.Model, sets: WindowSets, path: Path, *, seed: int, **arguments: Any) -> Trained:
    """Train a classifier that reads light curves; the other arguments are those of `train_and_predict`."""
    batches = {"validation": list(sets.validation()), "test": sets.batches("test")}
    return train_and_predict(model, partial(sets.training, seed), batches, sets.windows, path, **arguments)


def train_and_predict(
    model: keras.Model,
    training: Callable[[int], Batches],
    batches: Mapping[str, Batches],
    windows: Mapping[str, pl.DataFrame],
    path: Path,
    *,
    classes: Sequence[str],
    options: Training,
    weighting: Weighting,
    state: StateFile,
) -> Trained:
    """Train a classifier, save it, and predict the validation and the test windows.

    Args:
        model: model whose output is logits.
        training: as for `astromer.training.classification.train_classifier`.
        batches: batches of `validation` and `test`.
        windows: `id`, `window` and `label` of the rows of `batches`.
        path: written: the model.
        classes, weighting: as for `train_heads`.
        options: training options.
        state: file from which a killed job resumes. It is kept for the case that the job is killed in a later training.
    """
    history = train_classifier(model, training, batches["validation"], options, weighting=weighting, state=state)
    save_model(model, path)
    predictions, probabilities = {}, predictor(model)
    for subset, rows in batches.items():
        ids, starts, labels = (windows[subset][column] for column in ("id", "window", "label"))
        predictions[subset] = predictions_table(ids, starts, labels, probabilities(rows), classes)
    return Trained(predictions, pl.DataFrame(history.epochs))
