"""Ensembles of folds: mean probabilities, and prediction sets that cover what they promise."""

import numpy as np
import polars as pl
import pytest

from astromer.evaluation.conformal import in_set, nonconformity, p_values
from astromer.evaluation.ensembles import Vote, combine, schema

CLASSES = ["EC", "LPV", "RRab"]


def objects(probabilities, **more):
    ids = [f"star {number:04d}" for number in range(len(probabilities))]
    columns = {f"p_{name}": probabilities[:, column] for column, name in enumerate(CLASSES)}
    return pl.DataFrame({"id": ids, **more, **columns})


def test_p_values_count_objects_that_are_as_strange():
    calibration = np.array([0.1, 0.2, 0.3, 0.4])
    found = p_values(np.array([[0.95, 0.75, 0.0]]), calibration)
    assert found.tolist() == [[1.0, 0.6, 0.2]]


def test_nonconformity_is_that_of_the_true_class():
    table = objects(np.array([[0.5, 0.3, 0.2], [0.1, 0.2, 0.7]]), label=[1, 2])
    assert nonconformity(table).tolist() == pytest.approx([0.7, 0.3])


def test_folds_are_averaged():
    votes = [
        Vote(objects(np.array([[0.8, 0.1, 0.1]])), np.array([0.1, 0.5, 0.6])),
        Vote(objects(np.array([[0.4, 0.5, 0.1]])), np.array([0.2, 0.3, 0.95])),
    ]
    table = combine(votes, CLASSES, coverage=0.5)
    assert dict(table.schema) == schema(CLASSES)
    row = table.row(0, named=True)
    assert [row[f"p_{name}"] for name in CLASSES] == pytest.approx([0.6, 0.3, 0.1])
    assert row["entropy"] == pytest.approx(-sum(p * np.log(p) for p in (0.6, 0.3, 0.1)))
    assert row["class"] == "EC"
    # p-values of EC 3/4 and 2/4, of LPV 1/4 and 2/4, of RRab 1/4 and 2/4: only the mean of EC exceeds 1 - 0.5
    assert row["set"] == ["EC"]


def test_too_few_validation_objects_exclude_no_class():
    certain = Vote(objects(np.array([[1.0, 0.0, 0.0]])), np.zeros(4))
    assert combine([certain], CLASSES, coverage=0.9)["set"].to_list() == [CLASSES]
    certain = Vote(certain.objects, np.zeros(20))
    assert combine([certain], CLASSES, coverage=0.9)["set"].to_list() == [["EC"]]


def test_a_class_at_the_bound_is_in_no_set():
    """The p-value is (0 + 1) / (9 + 1), and 1 - 0.9 is a little less than 0.1 in floating point."""
    assert in_set(p_values(np.array([[0.5]]), np.zeros(9)), 0.9).tolist() == [[False]]
    assert in_set(p_values(np.array([[0.5]]), np.zeros(8)), 0.9).tolist() == [[True]]


@pytest.mark.parametrize("coverage", [0.7, 0.9])
def test_sets_cover_the_promised_fraction(coverage):
    """Classifiers that are too sure of themselves: their probabilities say 0.95 and more, their sets stay honest."""
    rng = np.random.default_rng(0)

    def draw(number):
        labels = rng.integers(3, size=number)
        logits = 1.5 * np.eye(3)[labels] + rng.normal(size=(number, 3))
        sure = np.exp(6 * logits)
        return labels, objects(sure / sure.sum(axis=1, keepdims=True))

    labels, found = draw(4000)
    votes = [
        Vote(found, nonconformity(table.with_columns(label=truth))) for truth, table in (draw(60) for _ in range(5))
    ]
    sets = combine(votes, CLASSES, coverage)["set"].to_list()
    covered = np.mean([CLASSES[label] in names for label, names in zip(labels, sets, strict=True)])
    assert coverage - 0.06 < covered < coverage + 0.06
    assert np.mean([len(names) for names in sets]) < 3
