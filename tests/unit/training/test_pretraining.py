"""Pretraining of the real encoders: golden gradients and steps, schedule, precision."""

from collections.abc import Iterator

import keras
import numpy as np
import pytest
import tensorflow as tf
from tiny_training import OBJECTIVE, OPTIONS, dataset, small_model, windows

from astromer.config.encoders import EncoderConfig
from astromer.config.training import EncoderTraining
from astromer.models.encoders import build_reconstructor
from astromer.models.released import assign_released, released_names
from astromer.training.objectives import ReconstructionObjective
from astromer.training.pretraining import WarmUp, pretrain


@pytest.fixture(scope="module")
def golden(shared) -> dict[str, np.ndarray]:
    with np.load(shared / "golden" / "golden_c_v2small.npz") as file:
        return dict(file)


@pytest.fixture
def golden_batch(golden) -> dict[str, np.ndarray]:
    valid = 1 - golden["in_mask_in"]
    return {
        "magnitudes": golden["in_input"],
        "times": golden["in_times"],
        "valid": valid,
        "target": golden["tgt_target"],
        "probed": golden["tgt_mask_out"],
        "hidden": golden["tgt_mask_out"] * golden["in_mask_in"],
        "weight": golden["tgt_w_error"],
    }


def golden_model(golden, name: str) -> keras.Model:
    blocks, heads, head_dim, feedforward, residual = {
        "noleak": (2, 2, 16, 32, False),
        "leak": (2, 2, 16, 32, True),
        "asym": (3, 3, 8, 48, True),
    }[name]
    config = EncoderConfig(
        architecture="v2",
        variant="released",
        window=50,
        num_blocks=blocks,
        num_heads=heads,
        head_dim=head_dim,
        feedforward_dim=feedforward,
        embedding_dim=32,
        residual=residual,
        dropout=0.0,
    )
    model = build_reconstructor(config)
    prefix = f"{name}/w/"
    weights = {key.removeprefix(prefix): golden[key] for key in golden if key.startswith(prefix)}
    assign_released(model, weights, origin="golden")
    return model


def released_parts(model: keras.Model, values: list) -> dict[str, np.ndarray]:
    """Values that belong to the model's weights, by the names of the released code."""
    parts = {}
    for weight, value in zip(model.weights, values, strict=True):
        names = released_names(weight.path)
        parts |= dict(zip(names, np.split(np.asarray(value), len(names), axis=-1), strict=True))
    return parts


@pytest.mark.parametrize("name", ["noleak", "leak", "asym"])
@pytest.mark.parametrize("loss_name", ["rmse", "wrmse"])
def test_loss_and_gradients_equal_the_released_ones(golden, golden_batch, name, loss_name):
    model, objective = golden_model(golden, name), ReconstructionObjective(weighted=loss_name == "wrmse")
    with tf.GradientTape() as tape:
        outputs = model({key: golden_batch[key] for key in ("magnitudes", "times", "valid")})
        found = objective.results(objective.totals(outputs, golden_batch))
    assert float(found["loss"]) == pytest.approx(golden[f"{name}/loss_{loss_name}"], abs=1e-5)
    assert float(found["r2_probed"]) == pytest.approx(golden[f"{name}/r2"], abs=1e-4)
    gradients = released_parts(model, tape.gradient(found["loss"], model.weights))
    prefix = f"{name}/grad_{loss_name}/"
    expected = {key.removeprefix(prefix): golden[key] for key in golden if key.startswith(prefix)}
    assert len(expected) == 4
    for key, gradient in expected.items():
        np.testing.assert_allclose(gradients[key], gradient, atol=1e-5, err_msg=key)


@pytest.mark.parametrize("name", ["noleak", "leak", "asym"])
def test_three_adam_steps_equal_the_released_ones(golden, golden_batch, name):
    model = golden_model(golden, name)
    options = EncoderTraining(learning_rate=1e-3, epochs=1, patience=1)
    history = pretrain(
        model, lambda epoch: [golden_batch] * 3, [golden_batch], options, ReconstructionObjective(weighted=False)
    )
    losses = [golden[f"{name}/adam_step{step}_loss"] for step in range(3)]
    np.testing.assert_allclose(history.steps["loss"], losses, atol=1e-5)
    weights, prefix = released_parts(model, model.weights), f"{name}/adam3/"
    expected = {key.removeprefix(prefix): golden[key] for key in golden if key.startswith(prefix)}
    assert len(expected) == 3
    for key, weight in expected.items():
        np.testing.assert_allclose(weights[key], weight, atol=1e-4, err_msg=key)


def test_warm_up_is_the_schedule_of_the_transformer(shared):
    with np.load(shared / "golden" / "golden_e_data.npz") as file:
        steps, expected = file["lr_steps"], file["lr_values"]
    schedule = WarmUp((256 * 4000) ** -0.5, 4000)
    np.testing.assert_allclose([float(schedule(step)) for step in steps], expected, rtol=1e-6)


def test_rate_follows_the_warm_up():
    options = EncoderTraining(learning_rate=0.01, epochs=1, patience=1, warmup_steps=2)
    history = pretrain(small_model(), dataset, dataset(100), options, OBJECTIVE)
    np.testing.assert_allclose(history.steps["learning_rate"], [0, 0.005, 0.01, 0.01 * (2 / 3) ** 0.5], rtol=1e-6)


def test_magnitudes_at_hidden_points_do_not_change_training():
    """What the encoder may not see takes part only as the target of the loss."""
    batch = windows(5)
    changed = batch | {"magnitudes": np.where(batch["valid"] == 0, 7, batch["magnitudes"]).astype("float32")}
    config = EncoderConfig(architecture="v2", num_blocks=1, num_heads=1, head_dim=8, feedforward_dim=8, dropout=0.0)
    options = EncoderTraining(learning_rate=1e-2, epochs=2, patience=2)
    curves = []
    for rows in (batch, changed):
        keras.utils.set_random_seed(0)
        model = build_reconstructor(config)
        curves.append(pretrain(model, lambda epoch, rows=rows: [rows], [rows], options, OBJECTIVE).epochs)
    assert curves[0] == curves[1]


@pytest.fixture
def bfloat16() -> Iterator[None]:
    """Build models in mixed precision."""
    keras.config.set_dtype_policy("mixed_bfloat16")
    yield
    keras.config.set_dtype_policy("float32")


@pytest.mark.usefixtures("bfloat16")
def test_mixed_precision_keeps_weights_and_loss_in_float32():
    model = small_model(dropout=0.0)
    history = pretrain(model, dataset, dataset(100), OPTIONS, OBJECTIVE)
    assert {weight.dtype for weight in model.weights} == {"float32"}
    assert history.steps["loss"].dtype == np.float32
    keras.config.set_dtype_policy("float32")
    exact = pretrain(small_model(dropout=0.0), dataset, dataset(100), OPTIONS, OBJECTIVE)
    np.testing.assert_allclose(history.steps["loss"], exact.steps["loss"], rtol=0.05)
    assert not np.array_equal(history.steps["loss"], exact.steps["loss"])


def test_xla_changes_nothing_but_rounding():
    plain, compiled = (
        pretrain(
            small_model(dropout=0.0),
            lambda epoch: [windows(epoch)],
            [windows(100)],
            OPTIONS,
            OBJECTIVE,
            jit=jit,
        )
        for jit in (False, True)
    )
    np.testing.assert_allclose(compiled.steps["loss"], plain.steps["loss"], rtol=1e-4)
