"""Astromer 3: its options all off give Astromer 2 exactly, nothing hidden reaches it, and no window gives NaN."""

import keras
import numpy as np
import pytest
from keras import ops

from astromer.config.encoders import EncoderConfig
from astromer.config.training import EncoderTraining
from astromer.errors import InputError
from astromer.models.encoders import build_encoder, build_reconstructor, num_periods_of
from astromer.models.phase import AddedChannels, PhaseChannels
from astromer.models.pooling import masked_std, pool
from astromer.models.scale import MIN_SCALE_MAG, Rescaling, Unscaling, window_scale
from astromer.models.summary import SummaryHead
from astromer.models.weights import load_pretrained, save_pretrained

SMALL = {"num_blocks": 2, "num_heads": 2, "head_dim": 8, "feedforward_dim": 12}
OFF = {"scale": False, "scaled_loss": False, "phase": False, "time_encoding": "paper", "summary_weight": 0.0}
OPTIONS = {"scale": True, "phase": True, "time_encoding": "log", "summary_weight": 1.0}
PERIODS = np.array([[0.3, 2.0, 0.1], [0.0, 0.0, 0.0], [400.0, 9.0, 17.0], [0.05, 0.2, 0.01]], "float32")

RANDOM = np.random.default_rng(4)
STATES = RANDOM.normal(size=(4, 11, 12)).astype("float32")
SERIES = RANDOM.normal(size=(4, 11, 1)).astype("float32")
VALID = (RANDOM.random((4, 11, 1)) > 0.3).astype("float32")
LAYERS = {
    "rescaling": (Rescaling, {}, [SERIES, VALID]),
    "unscaling": (Unscaling, {}, [SERIES, SERIES, VALID]),
    "phase": (PhaseChannels, {}, [100 * SERIES, PERIODS]),
    "channels": (AddedChannels, {"dim": 12}, [STATES, [SERIES, SERIES[:, :1]]]),
    "summary": (SummaryHead, {}, [STATES, VALID]),
}
every_layer = pytest.mark.parametrize(("kind", "arguments", "inputs"), LAYERS.values(), ids=LAYERS.keys())


def build(**values):
    return build_reconstructor(EncoderConfig.read({"architecture": "v3", **SMALL, **values}))


def flat(outputs):
    return [np.asarray(ops.cast(output, "float32")) for output in keras.tree.flatten(outputs)]


def wrap(layer, inputs):
    symbols = keras.tree.map_structure(lambda array: keras.Input(array.shape[1:]), inputs)
    return keras.Model(symbols, layer(*symbols))


@every_layer
def test_symbolic_eager_and_reloaded_calls_agree(kind, arguments, inputs, tmp_path):
    layer = kind.from_config(kind(**arguments).get_config())
    model = wrap(layer, inputs)
    model.save(tmp_path / "layer.keras")
    loaded = keras.models.load_model(tmp_path / "layer.keras")
    shapes = keras.tree.map_structure(lambda array: array.shape, inputs)
    expected = keras.tree.flatten(layer.compute_output_shape(*shapes))
    eager = flat(layer(*inputs))
    assert [size for output in eager for size in output.shape] == expected
    for one, two, three in zip(eager, flat(model(inputs)), flat(loaded(inputs)), strict=True):
        np.testing.assert_allclose(one, two, atol=1e-6)
        np.testing.assert_array_equal(two, three)


def test_bfloat16_agrees_with_float32_to_its_precision(windows):
    exact = build()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        mixed = build()
    finally:
        keras.config.set_dtype_policy("float32")
    mixed.set_weights(exact.get_weights())
    inputs = windows | {"periods": PERIODS}
    for one, two in zip(flat(exact(inputs)), flat(mixed(inputs)), strict=True):
        np.testing.assert_allclose(two, one, atol=0.05 * float(np.abs(one).max()))


def test_with_all_options_off_it_is_astromer_2(windows):
    keras.utils.set_random_seed(1)
    ours = build_reconstructor(EncoderConfig.read({"architecture": "v3", **SMALL, **OFF}))
    keras.utils.set_random_seed(1)
    theirs = build_reconstructor(EncoderConfig.read({"architecture": "v2", **SMALL}))
    assert [weight.path for weight in ours.weights] == [weight.path for weight in theirs.weights]
    np.testing.assert_array_equal(ours(windows), theirs(windows))


@pytest.mark.parametrize(("key", "value"), OPTIONS.items())
def test_astromer_2_takes_each_option_alone(key, value, windows):
    model = build_reconstructor(EncoderConfig.read({"architecture": "v2", **SMALL, key: value}))
    inputs = windows | ({"periods": PERIODS} if num_periods_of(model) else {})
    assert all(np.isfinite(output).all() for output in flat(model(inputs)))


def test_magnitudes_at_hidden_points_have_no_influence(windows):
    model = build()
    inputs = windows | {"periods": PERIODS}
    changed = inputs | {"magnitudes": np.where(windows["valid"] > 0, windows["magnitudes"], 50.0).astype("float32")}
    for one, two in zip(flat(model(inputs)), flat(model(changed)), strict=True):
        np.testing.assert_array_equal(one, two)


def test_further_periods_are_read_as_the_first(windows):
    encoder = build_encoder(EncoderConfig.read({"architecture": "v3", **SMALL, "num_periods": 2}))
    assert num_periods_of(encoder) == 2
    channels = encoder.get_layer("phase")
    one, other = PERIODS, PERIODS[::-1]
    found = channels(windows["times"], np.concatenate([one, other], axis=1))
    alone = [channels(windows["times"], periods) for periods in (one, other)]
    np.testing.assert_array_equal(found, np.concatenate(alone, axis=-1))
    first, second = (encoder(windows | {"periods": np.concatenate([one, p], axis=1)})[-1] for p in (one, other))
    assert np.abs(first - second).max() > 0


def test_points_without_magnitude_still_know_their_phase(windows):
    encoder = build_encoder(EncoderConfig.read({"architecture": "v3", **SMALL}))
    first = encoder(windows | {"periods": PERIODS})[0]
    other = encoder(windows | {"periods": PERIODS * [1.1, 1, 1]})[0]
    hidden = (windows["valid"] == 0) & (windows["times"] != 0) & (PERIODS[:, None, :1] > 0)
    assert (np.abs(first - other).max(axis=-1, keepdims=True)[hidden] > 0).all()


@pytest.mark.parametrize("what", ["constant", "one point", "no valid point"])
def test_windows_without_a_period_or_spread_are_finite(what, windows):
    magnitudes, valid = windows["magnitudes"].copy(), windows["valid"].copy()
    if what == "constant":
        magnitudes[:] = 0.0
    else:
        valid[:, 1 if what == "one point" else 0 :] = 0.0
    inputs = {"magnitudes": magnitudes, "times": windows["times"], "valid": valid, "periods": np.zeros((4, 3), "f4")}
    assert all(np.isfinite(output).all() for output in flat(build()(inputs)))


def test_padding_does_not_change_vectors(windows):
    encoder = build_encoder(EncoderConfig.read({"architecture": "v3", **SMALL}))
    vectors = []
    for points in (0, 30):
        padded = {name: np.pad(values, ((0, 0), (0, points), (0, 0))) for name, values in windows.items()}
        vectors.append(pool(encoder(padded | {"periods": PERIODS}), padded, ["mean", "std", "max", "log_scale"]))
    for name, vector in vectors[0].items():
        np.testing.assert_allclose(vector, vectors[1][name], atol=1e-5)


def test_scale_is_the_spread_of_the_valid_magnitudes_with_a_floor():
    scale = np.asarray(window_scale(SERIES, VALID))
    for row, valid in enumerate(VALID[..., 0] > 0):
        assert scale[row, 0, 0] == pytest.approx(SERIES[row, valid].std(), rel=1e-5)
    np.testing.assert_allclose(window_scale(0 * SERIES, VALID), np.full((4, 1, 1), MIN_SCALE_MAG))


def test_predictions_are_scaled_back():
    scaled, log_scale = Rescaling()(SERIES, VALID)
    np.testing.assert_allclose(Unscaling()(scaled, SERIES, VALID), SERIES, atol=1e-5)
    np.testing.assert_allclose(np.exp(log_scale), window_scale(SERIES, VALID), rtol=1e-5)


def test_phase_channels_are_sines_and_cosines_of_the_phase():
    times = np.array([0.0, 0.25, 0.5, 1.0, 100.25], "float32").reshape(1, 5, 1)
    channels = np.asarray(PhaseChannels()(times, np.array([[1.0, 3.0, 0.25]], "float32")))[0]
    for place, k in enumerate((0.5, 1, 2, 3, 4)):
        angle = 2 * np.pi * k * (times[0, :, 0] - 0.25)
        np.testing.assert_allclose(channels[:, place], np.sin(angle), atol=1e-3)
        np.testing.assert_allclose(channels[:, 5 + place], np.cos(angle), atol=1e-3)
    np.testing.assert_allclose(channels[:, 10:], np.tile([0.0, np.log(4)], (5, 1)), atol=1e-6)


def test_standard_deviation_is_pooled_over_valid_points():
    pooled = np.asarray(masked_std(STATES, VALID))
    for row, valid in enumerate(VALID[..., 0] > 0):
        np.testing.assert_allclose(pooled[row], STATES[row, valid].std(axis=0), atol=1e-5)


def test_saved_and_loaded_it_gives_the_same(windows, tmp_path):
    config = EncoderConfig.read({"architecture": "v3", **SMALL})
    model = build_reconstructor(config)
    save_pretrained(model, config, tmp_path)
    loaded = load_pretrained(tmp_path)
    assert loaded.config == config
    inputs = windows | {"periods": PERIODS}
    for one, two in zip(flat(model(inputs)), flat(loaded.model(inputs)), strict=True):
        np.testing.assert_array_equal(one, two)


def test_weights_saved_in_half_precision_take_half_the_space_and_give_nearly_the_same(windows, tmp_path):
    config = EncoderConfig.read({"architecture": "v3", "num_blocks": 1, "summary_weight": 0.0})
    model = build_reconstructor(config)
    for half in (False, True):
        save_pretrained(model, config, tmp_path / str(half), half=half)
    sizes = [(tmp_path / str(half) / "model.weights.h5").stat().st_size for half in (False, True)]
    assert sizes[1] < 0.6 * sizes[0]
    loaded = load_pretrained(tmp_path / "True").model
    assert {weight.dtype for weight in loaded.weights} == {"float32"}
    inputs = windows | {"periods": PERIODS}
    np.testing.assert_allclose(loaded(inputs), model(inputs), atol=0.01)


def test_a_cosine_without_an_end_is_an_error_that_names_its_key():
    with pytest.raises(InputError, match="decay_steps"):
        EncoderTraining.read({"decay": "cosine"})
