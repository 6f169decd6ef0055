"""Probabilities that are too sure are found, and cooled down."""

import numpy as np
import pytest

from astromer.evaluation.calibration import calibration_error, fit_temperature, scale_temperature
from astromer.evaluation.predictions import predictions_table

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


def test_calibration_error_is_small_for_honest_probabilities_only():
    assert calibration_error(predictions(1), CLASSES) < 0.03
    assert calibration_error(predictions(4), CLASSES) > 0.15


def test_certainty_that_is_half_right_has_an_error_of_one_half():
    table = predictions_table(["a", "b"], np.zeros(2), np.array([0, 1]), np.eye(3)[[0, 0]], CLASSES)
    assert calibration_error(table, CLASSES) == pytest.approx(0.5)


def test_temperature_undoes_overconfidence_without_changing_decisions():
    temperature = fit_temperature(predictions(4), CLASSES)
    assert temperature == pytest.approx(4, rel=0.1)
    test = predictions(4, seed=1)
    scaled = scale_temperature(test, temperature)
    assert calibration_error(scaled, CLASSES) < 0.03
    names = [f"p_{name}" for name in CLASSES]
    decided = [table.select(names).to_numpy().argmax(axis=1) for table in (test, scaled)]
    np.testing.assert_array_equal(*decided)
    np.testing.assert_allclose(scaled.select(names).to_numpy().sum(axis=1), 1, rtol=1e-5)


def test_zeros_of_a_forest_can_be_scaled():
    table = predictions_table(["a", "b"], np.zeros(2), np.array([0, 1]), np.eye(3)[[0, 1]], CLASSES)
    assert np.isfinite(scale_temperature(table, 3.0).select("^p_.*$").to_numpy()).all()
