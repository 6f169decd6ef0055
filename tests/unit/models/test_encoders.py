from typing import get_args

import keras
import numpy as np
import pytest

from astromer.config.encoders import ARCHITECTURES, EncoderConfig
from astromer.models.encoders import ENCODERS, attention_weights, build_encoder, build_reconstructor

SMALL = {"num_blocks": 2, "num_heads": 2, "head_dim": 8, "feedforward_dim": 12}
PUBLISHED = ("v1", "v2")  # v3 has its own tests, test_v3.py
VARIANTS = [(a, v) for a in PUBLISHED for v in ("paper", "released")]
both_residuals = pytest.mark.parametrize("residual", [False, True])
every_variant = pytest.mark.parametrize(("architecture", "variant"), VARIANTS)


def small(architecture, variant="paper", **changes):
    return EncoderConfig(architecture=architecture, variant=variant, **{**SMALL, **changes})


def pad(windows, points):
    return {name: np.pad(values, ((0, 0), (0, points), (0, 0))) for name, values in windows.items()}


@pytest.mark.parametrize(("architecture", "parameters"), [("v1", 661_505), ("v2", 3_953_409)])
def test_number_of_parameters_is_the_published_one(architecture, parameters):
    released = build_reconstructor(EncoderConfig(architecture=architecture, variant="released"))
    assert released.count_params() == parameters
    token = 1 if architecture == "v2" else 0
    assert build_reconstructor(EncoderConfig(architecture=architecture)).count_params() == parameters + token


@every_variant
def test_levels_are_the_input_embedding_and_every_block(architecture, variant, windows):
    levels = build_encoder(small(architecture, variant))(windows)
    assert [tuple(level.shape) for level in levels] == [(4, 24, 16)] * 3
    assert np.isfinite(levels).all()


@pytest.mark.parametrize("architecture", PUBLISHED)
@both_residuals
def test_hidden_magnitudes_do_not_reach_the_output(architecture, residual, windows):
    model = build_reconstructor(small(architecture, residual=residual))
    disturbed = {**windows, "magnitudes": np.where(windows["valid"] > 0, windows["magnitudes"], 1e3).astype("float32")}
    np.testing.assert_array_equal(model(disturbed), model(windows))
    unknown = {**windows, "magnitudes": np.where(windows["valid"] > 0, windows["magnitudes"], np.nan).astype("float32")}
    np.testing.assert_array_equal(model(unknown), model(windows))


@pytest.mark.parametrize("architecture", PUBLISHED)
@both_residuals
def test_the_released_variant_leaks_hidden_magnitudes(architecture, residual, windows):
    model = build_reconstructor(small(architecture, "released", residual=residual))
    disturbed = {**windows, "magnitudes": windows["magnitudes"] + 9 * (1 - windows["valid"])}
    changed = np.abs(model(disturbed) - model(windows)) * (1 - windows["valid"])
    assert changed.max() > 1e-4


@pytest.mark.parametrize(("architecture", "variant"), [("v1", "paper"), ("v2", "paper"), ("v2", "released")])
@both_residuals
def test_padding_changes_no_real_point(architecture, variant, residual, windows):
    encoder = build_encoder(small(architecture, variant, residual=residual))
    short, long = encoder(windows), encoder(pad(windows, 17))
    for level, padded in zip(short, long, strict=True):
        np.testing.assert_allclose(padded[:, :24] * windows["valid"], level * windows["valid"], atol=2e-6)


@every_variant
@pytest.mark.parametrize("points", [1, 3])
def test_windows_with_nothing_visible_and_of_one_point_are_defined(architecture, variant, points):
    blank = {name: np.zeros((2, points, 1), "float32") for name in ("magnitudes", "times", "valid")}
    assert np.isfinite(build_reconstructor(small(architecture, variant))(blank)).all()


def test_the_mask_token_is_what_hidden_points_show_and_it_trains(windows):
    model = build_reconstructor(small("v2"))
    token = model.get_layer("encoder").get_layer("input_embedding").mask_token
    as_token = model(windows)
    token.assign(0.7)
    assert np.abs(model(windows) - as_token).max() > 1e-3
    model.compile(keras.optimizers.Adam(1e-2), "mse", jit_compile=False)
    model.train_on_batch(windows, np.ones((4, 24, 1), "float32"))
    assert float(token) != pytest.approx(0.7, abs=1e-4)


@every_variant
def test_a_saved_reconstructor_gives_the_same_output_and_its_encoder(architecture, variant, windows, tmp_path):
    model = build_reconstructor(small(architecture, variant))
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded(windows), model(windows))
    np.testing.assert_array_equal(loaded.get_layer("encoder")(windows), model.get_layer("encoder")(windows))


def test_attention_weights_sum_to_one_and_skip_invalid_keys(windows):
    weights = attention_weights(build_encoder(small("v2")), windows)
    assert [tuple(block.shape) for block in weights] == [(4, 2, 24, 24)] * 2
    for block in weights:
        np.testing.assert_allclose(np.sum(block, axis=-1), 1, atol=1e-6)
        assert np.max(block * (1 - windows["valid"][:, None, None, :, 0])) == 0


def test_mixed_precision_keeps_the_time_encoding_exact_and_the_output_in_float32(windows):
    exact = build_reconstructor(small("v2"))
    previous = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        mixed = build_reconstructor(small("v2"))
    finally:
        keras.config.set_dtype_policy(previous)
    mixed.set_weights(exact.get_weights())
    levels = mixed.get_layer("encoder")(windows)
    assert {level.dtype.name for level in levels} == {"bfloat16"}
    # Rounding the times to bfloat16 would change the embedding by up to 2.
    np.testing.assert_allclose(np.float32(levels[0]), exact.get_layer("encoder")(windows)[0], atol=0.04)
    assert mixed(windows).dtype == "float32"
    np.testing.assert_allclose(mixed(windows), exact(windows), atol=0.1)
    mixed.compile(keras.optimizers.Adam(1e-3), "mse", jit_compile=False)
    assert np.isfinite(mixed.train_on_batch(windows, windows["magnitudes"]))


def test_every_architecture_of_the_configuration_is_built():
    """An architecture that has no entry in `ENCODERS` is refused by the configuration, before anything is built."""
    assert set(get_args(EncoderConfig.model_fields["architecture"].annotation)) == set(ENCODERS) == set(ARCHITECTURES)
