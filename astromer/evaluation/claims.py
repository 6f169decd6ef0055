"""Paired bootstrap over stars and folds: is the macro F1 of one model higher than that of another?

Both models of a claim predict the same objects of the same folds. Each resample draws folds with replacement, in each
of them seeds (of models that were trained with several), and the stars of each class; a star that several folds test on
is drawn for all of them at once, because folds are independent draws whose test sets overlap. The macro F1 of either
model is then computed on what was drawn, averaged over the folds and seeds drawn, and subtracted.
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
import polars as pl

from astromer.errors import InputError
from astromer.evaluation.predictions import check_predictions, pool_objects

RESAMPLES = 2000
CONFIDENCE = 0.95

Verdict = Literal["holds", "does not hold", "undecided"]
Pair = tuple[pl.DataFrame, pl.DataFrame]


class Claim(NamedTuple):
    """The difference of two models' macro F1 per object, first minus second.

    Attributes:
        difference: mean over folds, of the objects as they are.
        low: lower end of the 95 % interval.
        high: upper end.
        verdict: of "the first model is better by more than the margin": `holds` if the interval lies above the margin,
            `does not hold` if it lies below, otherwise `undecided`. Two models with equal decisions have the interval
            [0, 0] and are undecided at a margin of 0.
        folds: their number.
        objects: different objects that were tested on.
    """

    difference: float
    low: float
    high: float
    verdict: Verdict
    folds: int
    objects: int


class _Fold(NamedTuple):
    """One fold's objects, and what either model decides about them, `(objects,)` each."""

    rows: np.ndarray  # of the objects among those of all folds
    labels: np.ndarray
    decisions: tuple[np.ndarray, np.ndarray]


def compare(
    folds: Sequence[Sequence[Pair]],
    classes: Sequence[str],
    *,
    margin: float = 0.0,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> Claim:
    """Test the claim that one model has a higher macro F1 per object than another.

    Args:
        folds: for each fold and seed the predictions tables (see `astromer.evaluation.predictions`) of the first and of
            the second model, of the same objects; windows are averaged. All folds must be of one dataset.
        classes: the dataset's ordered class list.
        margin: difference that the claim has to exceed.
        seed: of the resamples.
        resamples: how many.

    Raises:
        InputError: there are no folds, or the two models did not predict the same objects of the same labels.
    """
    if not folds:
        raise InputError("claim: there are no folds to compare")
    decided, strata = _decide_all(folds, classes)
    count = len(classes)
    difference = np.mean([_difference(pair, np.ones(len(strata)), count) for fold in decided for pair in fold])
    generator = np.random.default_rng(seed)
    drawn = np.empty(resamples)
    for number in range(resamples):
        weights = _draw(strata, generator)
        chosen = [decided[place] for place in generator.integers(len(decided), size=len(decided))]
        pairs = [fold[place] for fold in chosen for place in generator.integers(len(fold), size=len(fold))]
        drawn[number] = np.mean([_difference(pair, weights, count) for pair in pairs])
    low, high = np.quantile(drawn, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    verdict = "holds" if low > margin else "does not hold" if high < margin else "undecided"
    return Claim(float(difference), float(low), float(high), verdict, len(folds), len(strata))


def _decide_all(folds: Sequence[Sequence[Pair]], classes: Sequence[str]) -> tuple[list[list[_Fold]], np.ndarray]:
    """Return the decisions of all folds and seeds, and the label of each object that any fold tests on."""
    tables = [[_pooled(pair, classes, number) for pair in fold] for number, fold in enumerate(folds)]
    objects = pl.concat(one.select("id", "label") for fold in tables for one, _ in fold).unique().sort("id")
    if objects["id"].is_duplicated().any():
        raise InputError("claim: an object has different labels in different folds")

    def decide(pair: Pair) -> _Fold:
        one, other = (table.select("^p_.*$").to_numpy().argmax(axis=1) for table in pair)
        rows = objects["id"].search_sorted(pair[0]["id"]).to_numpy()
        return _Fold(rows, pair[0]["label"].to_numpy(), (one, other))

    return [[decide(pair) for pair in fold] for fold in tables], objects["label"].to_numpy()


def _pooled(pair: Pair, classes: Sequence[str], number: int) -> Pair:
    """Check the predictions of both models in a fold, and average the windows of each object."""
    for predictions in pair:
        check_predictions(predictions, classes)
    one, other = (pool_objects(predictions) for predictions in pair)
    if not one.select("id", "label").equals(other.select("id", "label")):
        raise InputError(f"claim: in fold {number} the two models predicted different objects or labels")
    return one, other


def _draw(strata: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Draw how often each object occurs in a resample, `(objects,)`; class sizes stay."""
    weights = np.empty(len(strata))
    for label in np.unique(strata):
        members = np.flatnonzero(strata == label)
        weights[members] = np.bincount(generator.integers(len(members), size=len(members)), minlength=len(members))
    return weights


def _difference(fold: _Fold, weights: np.ndarray, num_classes: int) -> float:
    """Return the difference of the macro F1 of the two models on weighted objects."""
    of_fold = weights[fold.rows]
    first, second = (macro_f1(fold.labels, decisions, of_fold, num_classes) for decisions in fold.decisions)
    return first - second


def macro_f1(labels: np.ndarray, decisions: np.ndarray, weights: np.ndarray, num_classes: int) -> float:
    """Compute the macro F1 of weighted objects; a class that is neither there nor predicted scores 0."""
    hits = np.bincount(labels, weights * (labels == decisions), num_classes)
    sizes = np.bincount(labels, weights, num_classes) + np.bincount(decisions, weights, num_classes)
    return float(np.mean(np.divide(2 * hits, sizes, out=np.zeros(num_classes), where=sizes > 0)))
