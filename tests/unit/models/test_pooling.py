import numpy as np
import pytest

from astromer.config.encoders import EncoderConfig
from astromer.errors import InputError
from astromer.models.encoders import build_encoder
from astromer.models.pooling import pool


def test_pooling_equals_statistics_of_the_valid_points(windows):
    levels = [np.random.default_rng(i).normal(size=(4, 24, 6)).astype("float32") for i in range(3)]
    pooled = pool(levels, windows, ["mean", "std", "max", "log_scale"])
    for row, valid in enumerate(windows["valid"][:, :, 0] > 0):
        for index, level in enumerate(levels):
            np.testing.assert_allclose(pooled["mean"][row, index], level[row, valid].mean(axis=0), atol=1e-6)
        np.testing.assert_allclose(pooled["max"][row], levels[-1][row, valid].max(axis=0), atol=1e-7)
        np.testing.assert_allclose(pooled["std"][row], levels[-1][row, valid].std(axis=0), atol=1e-6)
        spread = windows["magnitudes"][row, valid].std()
        np.testing.assert_allclose(pooled["log_scale"][row], [np.log(max(spread, 0.01))], atol=1e-5)


def test_a_window_without_valid_points_pools_to_zero():
    pooled = pool([np.ones((2, 5, 3), "float32")] * 2, {"valid": np.zeros((2, 5, 1), "float32")})
    np.testing.assert_array_equal(pooled["mean"], np.zeros((2, 2, 3)))
    np.testing.assert_array_equal(pooled["max"], np.zeros((2, 3)))


@pytest.mark.parametrize("architecture", ["v1", "v2"])
def test_an_object_has_the_same_vector_however_it_is_padded(architecture, windows):
    config = EncoderConfig(architecture=architecture, num_blocks=2, num_heads=2, head_dim=8, feedforward_dim=12)
    encoder = build_encoder(config)
    vectors = []
    for points in (0, 1, 40):
        padded = {name: np.pad(values, ((0, 0), (0, points), (0, 0))) for name, values in windows.items()}
        vectors.append(pool(encoder(padded), padded))
    for longer in vectors[1:]:
        np.testing.assert_allclose(longer["mean"], vectors[0]["mean"], atol=2e-6)
        np.testing.assert_allclose(longer["max"], vectors[0]["max"], atol=2e-6)


def test_levels_of_different_width_are_an_error():
    with pytest.raises(InputError, match=r"\[4, 6\]"):
        pool([np.ones((1, 5, 4), "float32"), np.ones((1, 5, 6), "float32")], {"valid": np.ones((1, 5, 1), "float32")})


def test_only_what_is_asked_for_is_computed():
    level, valid = np.ones((2, 5, 3), "float32"), np.ones((2, 5, 1), "float32")
    inputs = {"valid": valid}
    assert list(pool([level], inputs)) == ["mean", "max"]
    pooled = pool([0 * level, level], inputs, ["sequence", "valid"])
    np.testing.assert_array_equal(pooled["sequence"], level)
    np.testing.assert_array_equal(pooled["valid"], valid)
    with pytest.raises(InputError, match="no array 'median'"):
        pool([level], inputs, ["median"])


def test_padding_is_the_mean_over_the_other_columns(windows):
    level = np.random.default_rng(0).normal(size=(4, 24, 6)).astype("float32")
    pooled = pool([level], windows, ["padding"])["padding"]
    for row, valid in enumerate(windows["valid"][:, :, 0] > 0):
        expected = level[row, ~valid].mean(axis=0) if (~valid).any() else np.zeros(6)
        np.testing.assert_allclose(pooled[row], expected, atol=1e-6)
