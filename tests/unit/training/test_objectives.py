"""Losses and metrics against the golden numbers, and as sums over batches."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from tiny_training import windows

from astromer.training.objectives import ClassificationObjective, ReconstructionObjective
from astromer.training.steps import scores


def figures(objective, outputs, batch) -> dict[str, float]:
    return scores(objective, objective.totals(outputs, batch))


@pytest.fixture(scope="module")
def golden(shared) -> dict[str, np.ndarray]:
    with np.load(shared / "golden" / "golden_e_data.npz") as file:
        return {name: file[f"l_{name}"] for name in ("true", "pred", "mask", "w", "rmse", "wrmse", "r2", "rmse_nomask")}


def golden_batch(golden, mask) -> dict[str, np.ndarray]:
    return {"target": golden["true"], "probed": mask, "hidden": 0 * mask, "weight": golden["w"]}


def test_losses_and_r2_equal_the_released_ones_with_a_window_without_probed_points(golden):
    batch = golden_batch(golden, golden["mask"])
    plain = figures(ReconstructionObjective(weighted=False), golden["pred"], batch)
    weighted = figures(ReconstructionObjective(weighted=True), golden["pred"], batch)
    everywhere = figures(
        ReconstructionObjective(weighted=False), golden["pred"], golden_batch(golden, np.ones_like(golden["mask"]))
    )
    assert plain["loss"] == pytest.approx(golden["rmse"], abs=1e-6)
    assert weighted["loss"] == pytest.approx(golden["wrmse"], abs=1e-6)
    assert plain["r2_probed"] == pytest.approx(golden["r2"], abs=1e-6)
    assert everywhere["loss"] == pytest.approx(golden["rmse_nomask"], abs=1e-6)


def test_rmse_leaves_out_windows_without_such_points():
    batch = {
        "target": np.zeros((2, 4, 1), "float32"),
        "probed": np.array([[1, 1, 0, 0], [0, 0, 0, 0]], "float32")[..., None],
        "hidden": np.array([[1, 0, 0, 0], [0, 0, 0, 0]], "float32")[..., None],
        "weight": np.ones((2, 4, 1), "float32"),
    }
    outputs = np.array([[3, 1, 9, 9], [9, 9, 9, 9]], "float32")[..., None]
    found = figures(ReconstructionObjective(weighted=False), outputs, batch)
    assert found["rmse_hidden"] == pytest.approx(3)
    assert found["rmse_probed"] == pytest.approx(np.sqrt(5))
    assert found["loss"] == pytest.approx(np.sqrt(5 / 2))


@pytest.mark.parametrize("weighted", [False, True])
def test_points_outside_the_masks_change_nothing(weighted):
    batch, objective = windows(0), ReconstructionObjective(weighted)
    outputs = np.random.default_rng(1).normal(size=batch["target"].shape).astype("float32")
    outside = batch["probed"] == 0
    changed = batch | {"target": np.where(outside, 100, batch["target"])}
    assert figures(objective, outputs, batch) == figures(objective, np.where(outside, -100, outputs), changed)


def test_sums_of_unequal_batches_equal_the_whole():
    batch, objective = windows(0, count=10), ReconstructionObjective(weighted=True)
    outputs = np.random.default_rng(1).normal(size=batch["target"].shape).astype("float32")
    parts = [
        objective.totals(outputs[rows], {name: batch[name][rows] for name in batch})
        for rows in (slice(0, 7), slice(7, 10))
    ]
    added = {name: parts[0][name] + parts[1][name] for name in objective.names}
    assert scores(objective, added) == pytest.approx(figures(objective, outputs, batch), rel=1e-5)


def test_sums_are_float32_whatever_the_model_computes_in():
    batch, objective = windows(0), ReconstructionObjective(weighted=True)
    outputs = keras.ops.cast(batch["magnitudes"], "bfloat16")
    assert {keras.backend.standardize_dtype(total.dtype) for total in objective.totals(outputs, batch).values()} == {
        "float32"
    }


def test_a_batch_without_probed_points_has_loss_zero_and_gradient_zero():
    objective = ReconstructionObjective(weighted=False)
    batch = {name: np.zeros((2, 3, 1), "float32") for name in objective.fields}
    outputs = tf.Variable(np.ones((2, 3, 1), "float32"))
    with tf.GradientTape() as tape:
        loss = objective.results(objective.totals(outputs, batch))["loss"]
    assert float(loss) == 0
    np.testing.assert_array_equal(tape.gradient(loss, outputs), 0)


def test_classification_counts_and_cross_entropy():
    logits = np.log(np.array([[0.7, 0.2, 0.1], [0.5, 0.3, 0.2]], "float32"))
    found = figures(ClassificationObjective(), logits, {"label": np.array([0, 1], "int32")})
    assert found == pytest.approx({"loss": -np.log(0.7 * 0.3) / 2, "accuracy": 0.5}, rel=1e-6)


def test_a_label_beyond_the_last_class_is_an_error():
    with pytest.raises(tf.errors.InvalidArgumentError, match="valid range"):
        ClassificationObjective().totals(np.zeros((1, 3), "float32"), {"label": np.array([3], "int32")})
