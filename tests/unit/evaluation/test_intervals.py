"""Intervals of single scores."""

import numpy as np
import polars as pl
import pytest

from astromer.errors import InputError
from astromer.evaluation.intervals import Decisions, count_confusion, decide, f1_interval
from astromer.evaluation.predictions import predictions_table
from astromer.evaluation.scores import score_predictions

CLASSES = ["EC", "LPV", "RRab"]


def windows(stars: int, seed: int):
    """Predictions for two windows of each star, right in most of them."""
    rng = np.random.default_rng(seed)
    ids = np.repeat([f"star {number:03d}" for number in range(stars)], 2)
    labels = np.repeat(np.arange(stars) % 3, 2)
    probabilities = rng.dirichlet(np.ones(3), len(ids)) + 0.5 * np.eye(3)[labels]
    return predictions_table(ids, np.arange(len(ids)) % 2, labels, probabilities / 1.5, CLASSES)


@pytest.mark.parametrize("level", ["window", "object"])
def test_the_interval_holds_the_score_and_shrinks_with_the_number_of_objects(level):
    widths = []
    for stars in (60, 600):
        folds = [windows(stars, seed) for seed in range(2)]
        interval = f1_interval([decide(table, CLASSES, level) for table in folds], 3)
        is_macro_f1 = (pl.col("level") == level) & (pl.col("metric") == "f1") & pl.col("class").is_null()
        scores = [score_predictions(table, CLASSES).filter(is_macro_f1)["value"].item() for table in folds]
        assert interval.low < np.mean(scores) < interval.high
        assert interval.objects == stars
        widths.append(interval.high - interval.low)
    assert widths[1] < 0.5 * widths[0]


def test_objects_are_drawn_with_all_their_windows():
    """With copies of its windows an object says no more than before, so the interval stays."""
    one = decide(windows(60, 0), CLASSES, "window")
    twice = Decisions(*(np.repeat(values, 2) for values in one))
    assert f1_interval([twice], 3) == f1_interval([one], 3)


def test_a_perfect_classifier_has_no_interval():
    ids, labels = np.array(["a", "b", "c"]), np.arange(3)
    assert f1_interval([Decisions(ids, labels, labels)], 3)[:2] == (1, 1)


def test_counts_by_true_and_predicted_class():
    decisions = Decisions(np.array(list("abcd")), np.array([0, 0, 1, 2]), np.array([0, 2, 1, 0]))
    assert count_confusion(decisions, 3).tolist() == [[1, 0, 1], [0, 1, 0], [1, 0, 0]]


def test_what_cannot_be_resampled_is_an_error():
    star = np.array(["a"])
    with pytest.raises(InputError, match="no folds"):
        f1_interval([], 3)
    with pytest.raises(InputError, match="different labels"):
        f1_interval([Decisions(star, np.array([label]), np.array([0])) for label in (0, 1)], 3)
