"""Verdicts on differences between models."""

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import f1_score

from astromer.errors import InputError
from astromer.evaluation.claims import compare, macro_f1
from astromer.evaluation.predictions import predictions_table

CLASSES = ("EC", "LPV", "RRab")


def fold(accuracy: float, seed: int, stars: int = 150, first: int = 0) -> pl.DataFrame:
    """Predictions that are right for a share of the stars; the same stars' labels whatever the accuracy."""
    rng = np.random.default_rng(seed)
    numbers = np.arange(first, first + stars)
    labels = numbers % 3
    decided = np.where(rng.random(stars) < accuracy, labels, (labels + rng.integers(1, 3, stars)) % 3)
    ids = [f"star {number:04d}" for number in numbers]
    return predictions_table(ids, np.zeros(stars), labels, 0.1 + 0.7 * np.eye(3)[decided], CLASSES)


def folds(one: float, other: float, stars: int = 150):
    return [[(fold(one, seed, stars, 40 * seed), fold(other, seed + 50, stars, 40 * seed))] for seed in range(3)]


@pytest.mark.parametrize(
    ("one", "other", "verdict"), [(0.95, 0.6, "holds"), (0.6, 0.95, "does not hold"), (0.8, 0.8, "undecided")]
)
def test_verdicts(one, other, verdict):
    claim = compare(folds(one, other), CLASSES, resamples=300)
    assert claim.verdict == verdict
    assert claim.low < claim.difference < claim.high
    assert claim.difference == pytest.approx(one - other, abs=0.08)
    assert (claim.folds, claim.objects) == (3, 150 + 2 * 40)


def test_a_claim_has_to_exceed_its_margin():
    pairs = folds(0.95, 0.7)
    assert compare(pairs, CLASSES, resamples=300).verdict == "holds"
    assert compare(pairs, CLASSES, margin=0.25, resamples=300).verdict == "undecided"
    assert compare(pairs, CLASSES, margin=0.6, resamples=300).verdict == "does not hold"


def test_equal_models_are_undecided():
    same = [[(fold(0.7, 0), fold(0.7, 0))]]
    assert compare(same, CLASSES, resamples=50)[:4] == (0, 0, 0, "undecided")


def test_the_interval_shrinks_with_the_number_of_stars_and_pairing():
    def width(pairs):
        claim = compare(pairs, CLASSES, resamples=300)
        return claim.high - claim.low

    assert width(folds(0.8, 0.75, 1500)) < 0.6 * width(folds(0.8, 0.75, 150))
    base = fold(0.7, 1)
    better = pl.concat([fold(1.0, 1).head(15), base.tail(135)])
    assert width([[(better, base)]]) < 0.6 * width([[(fold(0.75, 2), base)]])


def test_the_same_seed_gives_the_same_interval_whatever_the_order_of_rows():
    pairs = folds(0.8, 0.7)
    shuffled = [[tuple(table.sample(fraction=1, shuffle=True, seed=3) for table in pair)] for (pair,) in pairs]
    assert compare(pairs, CLASSES, resamples=60) == compare(shuffled, CLASSES, resamples=60)


def test_seeds_of_a_fold_are_averaged_and_widen_the_interval():
    """The seeds of the first model differ by much: one is right, the other wrong."""
    good, poor, other = fold(0.95, 0), fold(0.5, 1), fold(0.7, 2)
    both = compare([[(good, other), (poor, other)]], CLASSES, resamples=300)
    single = [compare([[(model, other)]], CLASSES, resamples=300) for model in (good, poor)]
    assert both.difference == pytest.approx(np.mean([claim.difference for claim in single]))
    assert both.high - both.low > max(claim.high - claim.low for claim in single)
    assert (both.folds, both.objects) == (1, 150)


def test_macro_f1_is_that_of_scikit_learn():
    rng = np.random.default_rng(0)
    labels, decisions = rng.integers(0, 3, 60), rng.integers(0, 3, 60)
    weights = rng.integers(0, 4, 60).astype(float)
    expected = f1_score(labels, decisions, average="macro", sample_weight=weights)
    assert macro_f1(labels, decisions, weights, 3) == pytest.approx(expected)


def test_models_of_different_objects_cannot_be_compared():
    with pytest.raises(InputError, match="fold 1 the two models predicted different objects"):
        compare([[(fold(1, 0), fold(1, 0))], [(fold(1, 0), fold(1, 0, first=3))]], CLASSES)
    with pytest.raises(InputError, match="no folds"):
        compare([], CLASSES)
