"""The reconstruction of held-out windows, by a model and by predictors that have learned nothing."""

import keras
import numpy as np
import pytest
from example_records import CLASSES, write_stars
from tiny_training import dataset, small_model, windows

from astromer.config.training import Masking
from astromer.data.batches import pretraining_batches
from astromer.errors import InputError
from astromer.evaluation.predictors import (
    evaluate_reconstruction,
    hidden_errors_by_class,
    interpolation,
    window_mean,
)
from astromer.models.encoders import window_inputs


def points(*rows) -> np.ndarray:
    return np.array(rows, "float32")[..., None]


def test_trivial_predictors_use_visible_points_only():
    batch = {
        "magnitudes": points([1, 50, 3, 50, 0], [7, 7, 7, 7, 7]),
        "times": points([-4, -1, 0, 5, 0], [1, 2, 3, 4, 5]),
        "valid": points([1, 0, 1, 0, 0], [0, 0, 0, 0, 0]),
    }
    np.testing.assert_allclose(window_mean(batch), points([2] * 5, [0] * 5))
    np.testing.assert_allclose(interpolation(batch), points([1, 2.5, 3, 3, 3], [0] * 5))


def test_evaluation_compares_model_and_trivial_predictors():
    table = evaluate_reconstruction(small_model(), dataset(0))
    whole = evaluate_reconstruction(small_model(), dataset(0, batch_size=20))
    assert list(table) == ["model", "window_mean", "interpolation"]
    for name, row in table.items():
        assert row["windows"] == 20
        assert row == pytest.approx(whole[name], rel=1e-5)
    batch = windows(0)
    squared = (batch["target"] - window_mean(batch)) ** 2 * batch["hidden"]
    per_window = squared.sum(axis=(1, 2)) / batch["hidden"].sum(axis=(1, 2))
    assert table["window_mean"]["rmse_hidden"] == pytest.approx(np.sqrt(per_window.mean()), rel=1e-5)
    assert table["interpolation"]["rmse_hidden"] < table["window_mean"]["rmse_hidden"]


def test_evaluation_without_hidden_points_is_an_error():
    batch = windows(0)
    with pytest.raises(InputError, match="hidden"):
        evaluate_reconstruction(small_model(), [batch | {"hidden": 0 * batch["hidden"]}])


def test_errors_of_each_class_are_its_own(tmp_path):
    """A model that predicts the mean errs like `window_mean`; a class without stars has no error."""
    records = write_stars(tmp_path / "test.tfrecord", ["EC"])
    masking = Masking(probed=0.4, same=0.0, random=0.0)
    options = {"window": 40, "batch_size": 3, "seed": 1, "masking": masking, "training": False}
    inputs = window_inputs()
    zero = keras.Model(inputs, keras.layers.Rescaling(0.0)(inputs["magnitudes"]))
    table = hidden_errors_by_class(zero, pretraining_batches([records], **options), CLASSES)
    assert table["class"].to_list() == CLASSES
    assert table["windows"].to_list() == [
        sum(len(batch["id"]) for batch in pretraining_batches([records], **options)),
        0,
    ]
    assert table["model"][0] == pytest.approx(table["window_mean"][0], abs=1e-4)
    assert table["interpolation"][0] != pytest.approx(table["window_mean"][0], abs=1e-4)
    assert table.row(1)[2:] == (None, None, None)
