"""Interval of a single score: a bootstrap over test objects.

Each resample draws the objects of each class with replacement, with all of their windows; an object that several folds
test on is drawn for all of them at once. Folds stay as they are, so that the interval shows what other test objects
would change; the standard deviation over folds shows what other training objects would change as well.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import polars as pl

from astromer.errors import InputError
from astromer.evaluation.claims import CONFIDENCE
from astromer.evaluation.predictions import check_predictions, pool_objects, probabilities_of
from astromer.evaluation.scores import LEVELS

RESAMPLES = 1000


class Decisions(NamedTuple):
    """Decisions about windows or objects: id of the object, true and predicted class, `(rows,)` each."""

    ids: np.ndarray
    labels: np.ndarray
    predicted: np.ndarray


class Interval(NamedTuple):
    """The 95 % interval of a score, and the number of different objects that were tested on."""

    low: float
    high: float
    objects: int


def decide(predictions: pl.DataFrame, classes: Sequence[str], level: str) -> Decisions:
    """Decide on the most probable class of each window, or of each object after averaging its windows.

    Raises:
        InputError: the table is not a valid one (see `check_predictions`), or the level is unknown.
    """
    if level not in LEVELS:
        raise InputError(f"level: expected one of {LEVELS}, found {level!r}")
    check_predictions(predictions, classes)
    table = predictions if level == "window" else pool_objects(predictions)
    return Decisions(table["id"].to_numpy(), table["label"].to_numpy(), probabilities_of(table).argmax(axis=1))


def count_confusion(decisions: Decisions, num_classes: int) -> np.ndarray:
    """Count rows by true and predicted class, `(num_classes, num_classes)`."""
    cells = np.bincount(decisions.labels * num_classes + decisions.predicted, minlength=num_classes**2)
    return cells.reshape(num_classes, num_classes)


def f1_interval(folds: Sequence[Decisions], num_classes: int, *, seed: int = 0, resamples: int = RESAMPLES) -> Interval:
    """Return the 95 % interval of the macro F1, averaged over folds (and seeds, if there are several).

    Args:
        folds: decisions of one classifier in each fold.
        num_classes: number of classes of the dataset.
        seed: of the resamples; the same objects are drawn for all classifiers of a dataset.
        resamples: how many.

    Raises:
        InputError: there are no folds, or an object has different labels.
    """
    if not folds:
        raise InputError("interval: there are no folds")
    labels = np.concatenate([fold.labels for fold in folds])
    objects, first, places = np.unique(
        np.concatenate([fold.ids for fold in folds]), return_index=True, return_inverse=True
    )
    if (labels[first][places] != labels).any():
        raise InputError("interval: an object has different labels in different folds")
    draws = _draw(labels[first], resamples, np.random.default_rng(seed))
    ends = np.cumsum([len(fold.ids) for fold in folds])[:-1]
    scores = [
        _macro_f1(fold, draws[:, rows], num_classes) for fold, rows in zip(folds, np.split(places, ends), strict=True)
    ]
    low, high = np.quantile(np.mean(scores, axis=0), [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Interval(float(low), float(high), len(objects))


def _draw(labels: np.ndarray, resamples: int, generator: np.random.Generator) -> np.ndarray:
    """Draw how often each object occurs in each resample, `(resamples, objects)`; class sizes stay."""
    weights = np.empty((resamples, len(labels)))
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        weights[:, members] = generator.multinomial(len(members), np.full(len(members), 1 / len(members)), resamples)
    return weights


def _macro_f1(fold: Decisions, weights: np.ndarray, num_classes: int) -> np.ndarray:
    """Compute the macro F1 of each resample, of rows weighted by `(resamples, rows)`; a class without rows scores 0."""
    true, predicted = (np.eye(num_classes)[values] for values in (fold.labels, fold.predicted))
    hits, sizes = weights @ (true * predicted), weights @ (true + predicted)
    return np.divide(2 * hits, sizes, out=np.zeros_like(hits), where=sizes > 0).mean(axis=1)
