"""Probabilities that are too sure are found, and cooled down."""

import numpy as np
import pytest

from astromer.evaluation.calibration import calibration_error, fit_temperature, reliability, scale_temperature
from astromer.evaluation.conformal import score_sets
from astromer.evaluation.predictions import predictions_table, probabilities_of

CLASSES = ("EC", "LPV", "RRab")


def predictions(sharpness: float, seed: int = 0, stars: int = 3000):
    """Labels drawn from probabilities, which are then sharpened: at 1 they are right."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 1.5, (stars, 3))
    true = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    labels = (true.cumsum(axis=1) < rng.random((stars, 1))).sum(axis=1).clip(max=2)
    stated = np.exp(sharpness * logits)
    ids = [f"star {number}" for number in range(stars)]
    return predictions_table(ids, np.zeros(stars), labels, stated / stated.sum(axis=1, keepdims=True), CLASSES)


def error_of(table):
    return calibration_error(probabilities_of(table), table["label"].to_numpy())


def test_calibration_error_is_small_for_honest_probabilities_only():
    assert error_of(predictions(1)) < 0.03
    assert error_of(predictions(4)) > 0.15


def test_certainty_that_is_half_right_has_an_error_of_one_half():
    table = predictions_table(["a", "b"], np.zeros(2), np.array([0, 1]), np.eye(3)[[0, 0]], CLASSES)
    assert error_of(table) == pytest.approx(0.5)


def test_temperature_undoes_overconfidence_without_changing_decisions():
    temperature = fit_temperature(predictions(4), CLASSES)
    assert temperature == pytest.approx(4, rel=0.1)
    test = predictions(4, seed=1)
    scaled = scale_temperature(test, temperature)
    assert error_of(scaled) < 0.03
    names = [f"p_{name}" for name in CLASSES]
    decided = [table.select(names).to_numpy().argmax(axis=1) for table in (test, scaled)]
    np.testing.assert_array_equal(*decided)
    np.testing.assert_allclose(scaled.select(names).to_numpy().sum(axis=1), 1, rtol=1e-5)


def test_zeros_of_a_forest_can_be_scaled():
    table = predictions_table(["a", "b"], np.zeros(2), np.array([0, 1]), np.eye(3)[[0, 1]], CLASSES)
    assert np.isfinite(scale_temperature(table, 3.0).select("^p_.*$").to_numpy()).all()


@pytest.mark.parametrize("coverage", [0.7, 0.9])
def test_prediction_sets_cover_as_asked_whatever_the_probabilities_claim(coverage):
    sizes = []
    for sharpness in (1, 4):
        scores = score_sets(predictions(sharpness), predictions(sharpness, seed=1), coverage)
        assert scores["coverage"] == pytest.approx(coverage, abs=0.03)
        sizes.append(scores["set_size"])
    assert 1 < sizes[0] < 3


def test_too_few_calibrating_objects_exclude_nothing():
    scores = score_sets(predictions(1, stars=5), predictions(1, seed=1), 0.9)
    assert scores == {"coverage": 1.0, "set_size": 3.0}


def test_reliability_counts_what_the_error_sums():
    rng = np.random.default_rng(0)
    probabilities, labels = rng.dirichlet(np.ones(3), 200), rng.integers(0, 3, 200)
    bins = reliability(probabilities, labels)
    assert bins["objects"].sum() == 200
    gaps = (bins["confidence"] - bins["hits"]).abs().sum() / 200
    assert gaps == pytest.approx(calibration_error(probabilities, labels))
