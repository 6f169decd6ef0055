"""The summary objective beside reconstruction, losses in units of the scale, and the cosine schedule."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from astromer.config.encoders import EncoderConfig
from astromer.config.statistics import PERIOD_CLASSES, STATISTICS
from astromer.config.training import EncoderTraining
from astromer.models.encoders import build_reconstructor
from astromer.training.objectives import ReconstructionObjective
from astromer.training.pretraining import learning_rate, pretrain, pretraining_objective
from astromer.training.steps import scores
from astromer.training.summary import PERIOD_SHARE, SummaryObjective

SMALL = {"architecture": "v3", "num_blocks": 1, "num_heads": 2, "head_dim": 8, "feedforward_dim": 12}


def batch(seed=0, count=5, length=20):
    rng = np.random.default_rng(seed)
    shape = (count, length, 1)
    probed = rng.random(shape) < 0.5
    target = rng.normal(size=shape)
    arrays = {
        "magnitudes": target * ~probed,
        "times": np.sort(rng.uniform(-50, 50, shape), axis=1),
        "valid": ~probed,
        "target": target,
        "probed": probed,
        "hidden": probed,
        "weight": np.ones(shape),
        "periods": rng.uniform(0, 3, (count, 3)),
        "statistics": rng.normal(size=(count, len(STATISTICS))),
    }
    arrays = {name: array.astype("float32") for name, array in arrays.items()}
    return arrays | {"period_class": np.array([3, -1, 0, PERIOD_CLASSES - 1, 7][:count], "int32")}


def outputs(windows):
    count = len(windows["statistics"])
    return {
        "magnitudes": np.zeros_like(windows["target"]),
        "statistics": np.zeros_like(windows["statistics"]),
        "period_class": np.zeros((count, PERIOD_CLASSES), "float32"),
    }


def test_the_loss_is_the_sum_of_its_parts():
    windows = batch()
    objective = SummaryObjective(ReconstructionObjective(weighted=False), weight=2.0)
    figures = scores(objective, objective.totals(outputs(windows), windows))
    statistics = (windows["statistics"] ** 2).mean()
    assert figures["loss_statistics"] == pytest.approx(statistics, rel=1e-5)
    assert figures["loss_period"] == pytest.approx(np.log(PERIOD_CLASSES), rel=1e-5)
    expected = figures["rmse_probed"] + 2 * (statistics + PERIOD_SHARE * np.log(PERIOD_CLASSES))
    assert figures["loss"] == pytest.approx(expected, rel=1e-5)


def test_windows_of_stars_without_a_period_count_in_the_other_parts_only():
    windows = batch()
    objective = SummaryObjective(ReconstructionObjective(weighted=False), weight=1.0)
    none = windows | {"period_class": np.full(5, -1, "int32")}
    figures = scores(objective, objective.totals(outputs(none), none))
    assert figures["loss_period"] == 0
    assert figures["loss_statistics"] > 0


def test_the_scaled_loss_does_not_depend_on_the_unit_of_magnitudes():
    windows = batch()
    larger = windows | {name: 10 * windows[name] for name in ("magnitudes", "target")}
    losses = []
    for scaled in (True, False):
        objective = ReconstructionObjective(weighted=False, scaled=scaled)
        losses.append([scores(objective, objective.totals(0 * w["target"], w))["loss"] for w in (windows, larger)])
    assert losses[0][0] == pytest.approx(losses[0][1], rel=1e-5)
    assert losses[1][1] == pytest.approx(10 * losses[1][0], rel=1e-5)


@pytest.mark.parametrize(("architecture", "weighted"), [("v1", False), ("v2", True), ("v3", True)])
def test_the_objective_follows_the_config(architecture, weighted):
    objective = pretraining_objective(EncoderConfig.read({"architecture": architecture}))
    assert isinstance(objective, SummaryObjective) == (architecture == "v3")
    reconstruction = objective.reconstruction if architecture == "v3" else objective
    assert (reconstruction.weighted, reconstruction.scaled) == (weighted, architecture == "v3")


def test_the_cosine_rises_to_its_peak_and_falls_to_zero():
    options = {"learning_rate": 1e-2, "warmup_steps": 10, "decay": "cosine", "decay_steps": 110}
    rate = learning_rate(EncoderTraining.read(options))
    rates = [float(rate(step)) for step in (0, 5, 10, 60, 110)]
    np.testing.assert_allclose(rates, [0, 5e-3, 1e-2, 5e-3, 0], atol=1e-6)


def test_the_gradient_is_clipped_to_its_norm():
    variable = keras.Variable([0.0, 0.0])
    optimizer = keras.optimizers.SGD(1.0, global_clipnorm=5.0)
    optimizer.apply([tf.constant([30.0, 40.0])], [variable])
    np.testing.assert_allclose(variable, [-3.0, -4.0], rtol=1e-5)


def test_training_lowers_the_loss():
    config = EncoderConfig.read(SMALL)
    keras.utils.set_random_seed(0)
    windows = tf.data.Dataset.from_tensor_slices(batch()).batch(5)
    options = EncoderTraining.read({"learning_rate": 1e-2, "epochs": 15, "clip_norm": 5.0})
    history = pretrain(
        build_reconstructor(config), lambda epoch: windows, windows, options, pretraining_objective(config)
    )
    assert history.epochs[-1]["val_loss"] < 0.8 * history.epochs[0]["val_loss"]
    assert {"val_loss_statistics", "val_loss_period", "val_rmse_hidden"} <= set(history.epochs[0])
