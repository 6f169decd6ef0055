"""Periods in batches: nothing hidden has an influence, and all windows of a star share its period."""

import numpy as np
import polars as pl
import pytest
import tensorflow as tf

from astromer.config.training import Masking
from astromer.data import records
from astromer.data.batches import plain_batches, pretraining_batches
from astromer.data.masking import mask_windows, window_keys
from astromer.data.phases import mistake_periods, visible_periods

PERIODS_DAYS = (0.4, 2.7, 150.0)
LENGTH = 50


@pytest.fixture(scope="module")
def survey(tmp_path_factory):
    """Three sinusoidal stars of 50 observations, and one of three."""
    rng = np.random.default_rng(3)
    tables = []
    for number, (period, length) in enumerate([*((p, LENGTH) for p in PERIODS_DAYS), (1.0, 3)]):
        mjd = np.sort(rng.uniform(50000, 50600, length))
        mag = 12 - np.cos(2 * np.pi * mjd / period) + rng.normal(0, 0.05, length)
        columns = {"id": [f"{number}"] * length, "mjd": mjd, "mag": mag, "err_mag": np.full(length, 0.05)}
        tables.append(pl.DataFrame(columns))
    observations = pl.concat(tables)
    objects = pl.DataFrame({"id": list("0123"), "class": "A", "band": "V", "shard": 0})
    return records.write_records(observations, objects, tmp_path_factory.mktemp("r") / "r.tfrecord").path


def test_windows_of_a_star_share_the_period_of_its_whole_light_curve(survey):
    batches = list(plain_batches([survey], window=20, batch_size=16, num_periods=1))
    ids = np.concatenate([batch["id"] for batch in batches])
    periods = np.concatenate([batch["periods"] for batch in batches])
    assert periods.dtype == np.float32
    for number, period in enumerate(PERIODS_DAYS):
        rows = periods[ids == str(number).encode()]
        assert len(rows) == 3
        np.testing.assert_allclose(rows[:, 0], period, rtol=0.01)
        np.testing.assert_array_equal(rows[:, :2], np.tile(rows[0, :2], (3, 1)))
    np.testing.assert_array_equal(periods[ids == b"3"], np.zeros((1, 3)))


@pytest.mark.parametrize("error", ["percent", "half", "double", "alias"])
def test_wrong_periods_are_wrong_as_named(survey, error):
    options = {"window": 20, "batch_size": 16, "num_periods": 1}
    right, wrong = (
        np.concatenate([batch["periods"] for batch in plain_batches([survey], **options, period_error=name)])
        for name in ("none", error)
    )
    found = right[:, 0] > 0
    days = right[found, 0]
    expected = {"percent": days * 1.01, "half": days / 2, "double": days * 2, "alias": 1 / (1 / days + 1)}[error]
    np.testing.assert_allclose(wrong[found, 0], expected, rtol=1e-5)
    np.testing.assert_array_equal(wrong[~found], 0)
    np.testing.assert_array_equal(wrong[:, 1], right[:, 1])


def test_the_brightest_phase_is_told_from_each_windows_mean_time(survey):
    for batch in plain_batches([survey], window=20, batch_size=1, num_periods=1):
        period, _, brightest = batch["periods"].numpy()[0]
        if period:
            valid = batch["valid"].numpy()[0, :, 0] > 0
            phase = (batch["times"].numpy()[0, valid, 0] - brightest) / period
            magnitudes = batch["magnitudes"].numpy()[0, valid, 0]
            assert np.corrcoef(magnitudes, -np.cos(2 * np.pi * phase))[0, 1] > 0.9


def test_changed_hidden_magnitudes_leave_magnitudes_and_periods_as_they_were():
    rng = np.random.default_rng(5)
    times = np.sort(rng.uniform(-300, 300, (8, 60)), axis=1).astype("float32")
    windows = {
        "id": tf.constant([str(i) for i in range(8)]),
        "label": tf.zeros(8, tf.int32),
        "start": tf.zeros(8, tf.int32),
        "length": tf.fill([8], 60),
        "overlap": tf.zeros(8, tf.int32),
        "times": tf.constant(times),
        "magnitudes": tf.constant(rng.normal(12, 1, (8, 60)).astype("float32")),
        "err_mag": tf.fill([8, 60], 0.1),
    }
    keys = window_keys(windows["id"], windows["start"], 1, 0)
    before = visible_periods(windows, mask_windows(windows, keys, Masking()))
    probed_anyhow = before["hidden"][..., 0] > 0
    changed = windows | {"magnitudes": tf.where(probed_anyhow, 99.0, windows["magnitudes"])}
    after = visible_periods(changed, mask_windows(changed, keys, Masking()))
    for name in ("magnitudes", "times", "valid", "periods"):
        np.testing.assert_array_equal(before[name], after[name])
    assert (before["periods"][:, 0] > 0).numpy().all()


def test_masked_batches_have_periods_only_if_they_are_asked_for(survey):
    options = {"window": 20, "batch_size": 4, "seed": 1, "masking": Masking()}
    plain = next(iter(pretraining_batches([survey], **options)))
    with_periods = next(iter(pretraining_batches([survey], num_periods=1, **options)))
    assert "periods" not in plain
    assert with_periods["periods"].shape == (4, 3)
    for name, values in plain.items():
        np.testing.assert_array_equal(values, with_periods[name])


def test_a_share_of_the_training_windows_has_wrong_periods():
    keys = window_keys(tf.strings.as_string(tf.range(2000)), tf.zeros(2000, tf.int32), 1, 0)
    right = np.tile(np.array([2.0, 5.0, 0.5, 0.3, 1.0, 0.1], "float32"), (2000, 1))
    right[:10] = 0
    mistaken = mistake_periods(tf.constant(right), keys, 0.4).numpy()
    ratios = mistaken[10:, 0] / 2.0
    kinds = {1.0: 0.6, 1.01: 0.1, 0.5: 0.1, 2.0: 0.1, 1 / 3: 0.1}
    for ratio, share in kinds.items():
        assert np.isclose(ratios, ratio, rtol=1e-4).mean() == pytest.approx(share, abs=0.03)
    np.testing.assert_array_equal(mistaken[:10], 0)
    np.testing.assert_array_equal(mistaken[:, [1, 2, 4, 5]], right[:, [1, 2, 4, 5]])
    halved = np.isclose(mistaken[:, 0], 1.0)
    np.testing.assert_allclose(mistaken[halved, 3], 0.15)


def test_validation_windows_keep_the_right_periods(survey):
    options = {"window": 20, "batch_size": 4, "seed": 1, "masking": Masking(), "num_periods": 1}
    for training, kept in ((True, False), (False, True)):
        batches = [
            np.concatenate(
                [b["periods"] for b in pretraining_batches([survey], training=training, wrong_periods=share, **options)]
            )
            for share in (0.0, 1.0)
        ]
        assert np.array_equal(*batches) == kept
