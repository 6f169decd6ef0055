import keras
import numpy as np
import pytest

from astromer.config.registry import BASELINES
from astromer.errors import InputError
from astromer.models.baselines import build_baseline
from astromer.models.baselines.raw_gru import TimeSteps


def small(name, **changes):
    return build_baseline(name, **{"num_classes": 3, "dim": 8, "units": 6, "hidden": (10,), **changes})


@pytest.mark.parametrize("variant", ["paper", "released"])
@pytest.mark.parametrize("name", BASELINES)
def test_a_baseline_trains_and_survives_saving(name, variant, windows, tmp_path):
    model = small(name, variant=variant)
    model.compile(
        keras.optimizers.Adam(1e-2), keras.losses.SparseCategoricalCrossentropy(from_logits=True), jit_compile=False
    )
    before = [weight.numpy() for weight in model.trainable_weights]
    assert np.isfinite(model.train_on_batch(windows, np.array([0, 1, 2, 0])))
    changes = [np.abs(new.numpy() - old).max() for new, old in zip(model.trainable_weights, before, strict=True)]
    assert min(changes) > 0
    model.save(tmp_path / "baseline.keras")
    np.testing.assert_allclose(keras.models.load_model(tmp_path / "baseline.keras")(windows), model(windows), atol=1e-6)


@pytest.mark.parametrize("variant", ["paper", "released"])
@pytest.mark.parametrize("name", BASELINES)
def test_padding_changes_no_logit(name, variant, windows):
    model = small(name, variant=variant)
    padded = {key: np.pad(values, ((0, 0), (0, 13), (0, 0))) for key, values in windows.items()}
    np.testing.assert_allclose(model(padded), model(windows), atol=1e-6)


def test_time_steps_are_logarithms_of_days_since_the_previous_point():
    times = np.float32([-7, -5, 0, 0]).reshape(1, 4, 1)
    magnitudes = np.float32([0.1, 0.2, 0.3, 9]).reshape(1, 4, 1)
    valid = np.float32([1, 1, 1, 0]).reshape(1, 4, 1)
    steps = TimeSteps("paper")(magnitudes, times, valid)[0]
    expected = [[0.1, 0], [0.2, np.log(3)], [0.3, np.log(6)], [0, 0]]
    np.testing.assert_allclose(steps, expected, atol=1e-6)
    days = TimeSteps("released")(magnitudes, times, valid)[0]
    np.testing.assert_allclose(days, [[0.1, -7], [0.2, -5], [0.3, 0], [0, 0]], atol=1e-6)


def test_the_fair_recurrent_baseline_ignores_a_shift_of_the_times(windows):
    shifted = {**windows, "times": windows["times"] + 100}
    model = small("raw_gru")
    np.testing.assert_allclose(model(shifted), model(windows), atol=1e-3)


@pytest.mark.parametrize(
    ("changes", "named"), [({"name": "lstm"}, "lstm"), ({"name": "raw_gru", "variant": "new"}, "new")]
)
def test_an_unknown_baseline_or_variant_is_an_error(changes, named):
    with pytest.raises(InputError, match=named):
        small(**changes)
