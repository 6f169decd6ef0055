"""Windows: every observation once, none twice, except where the last window is shifted back."""

import json

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from astromer.data import windows


def parsed(*series):
    """Records of `(observations, 3)` arrays of mjd, mag and err_mag, as `parse_records` returns them."""
    mjd, mag, err_mag = np.concatenate(series).T
    return {
        "id": tf.constant([f"star{number}" for number in range(len(series))]),
        "label": tf.range(len(series)),
        "offset": tf.zeros(len(series), tf.int32),
        "length": tf.constant([len(one) for one in series], tf.int32),
        "mjd": tf.constant(mjd, tf.float64),
        "mag": tf.constant(mag, tf.float32),
        "err_mag": tf.constant(err_mag, tf.float32),
    }


def ramp(length, first=0):
    """A series whose magnitudes number its observations."""
    numbers = np.arange(first, first + length)
    return np.stack([50000 + numbers, numbers, np.full(length, 0.1)], 1)


@given(length=st.integers(1, 2000), window=st.integers(1, 300))
def test_windows_cover_a_series_without_needless_overlap(length, window):
    starts = windows.window_starts(length, window)
    lengths = np.minimum(length - starts, window)
    covered = np.bincount(np.concatenate([np.arange(s, s + n) for s, n in zip(starts, lengths, strict=True)]))
    assert covered.size == length
    assert covered.min() == 1
    assert (covered[: starts[-1]] == 1).all()
    if length % window == 0:
        assert covered.max() == 1
    assert (lengths == min(length, window)).all()
    assert (starts[:-1] % window == 0).all()


@settings(max_examples=50, deadline=None)
@given(lengths=st.lists(st.integers(0, 500), min_size=1, max_size=20), window=st.integers(1, 200))
def test_graph_agrees_with_numpy(lengths, window):
    series, starts, overlaps = windows.regular_windows(tf.constant(lengths), window)
    expected = [(i, s) for i, length in enumerate(lengths) for s in windows.window_starts(length, window)]
    assert list(zip(series.numpy(), starts.numpy(), strict=True)) == expected
    np.testing.assert_array_equal(overlaps, -starts.numpy() % window * (starts.numpy() % window > 0))


def test_windows_are_the_originals_without_its_duplicates(shared):
    golden = json.loads((shared / "golden/golden_e_data.json").read_text())["windows_start_len_length"]
    for name, theirs in golden.items():
        window, length = (int(part[1:]) for part in name.split("_"))
        ours = [[int(s), min(length - int(s), window), length] for s in windows.window_starts(length, window)]
        assert ours == list(map(list, dict.fromkeys(map(tuple, theirs)))), name


def test_random_windows_start_uniformly():
    lengths = tf.constant([450, 200, 30, 0] * 5000)
    bits = tf.cast(tf.random.stateless_uniform([20000], (1, 2), 0, 2**32, tf.int64), tf.uint32)
    series, starts, _ = windows.random_windows(lengths, 200, bits)
    starts = {length: starts.numpy()[lengths.numpy()[series] == length] for length in (450, 200, 30, 0)}
    assert (starts[450].min(), starts[450].max(), starts[0].size) == (0, 250, 0)
    assert abs(starts[450].mean() - 125) < 5
    assert not starts[200].any()
    assert not starts[30].any()


def test_cut_windows_pads_centres_and_describes():
    batch = parsed(ramp(5), ramp(3, first=100))
    cut = windows.cut_windows(batch, windows.regular_windows(batch["length"], 3), 3)
    assert cut["id"].numpy().tolist() == [b"star0", b"star0", b"star1"]
    assert cut["label"].numpy().tolist() == [0, 0, 1]
    assert cut["start"].numpy().tolist() == [0, 2, 0]
    assert cut["length"].numpy().tolist() == [3, 3, 3]
    assert cut["overlap"].numpy().tolist() == [0, 1, 0]
    np.testing.assert_array_equal(cut["magnitudes"], [[0, 1, 2], [2, 3, 4], [100, 101, 102]])
    np.testing.assert_array_equal(cut["times"], [[-1, 0, 1]] * 3)
    padded = windows.cut_windows(batch, windows.regular_windows(batch["length"], 4), 4)
    np.testing.assert_array_equal(padded["times"][2], [-1, 0, 1, 0])
    np.testing.assert_array_equal(padded["magnitudes"][2], [100, 101, 102, 0])
    np.testing.assert_allclose(padded["err_mag"][2], [0.1, 0.1, 0.1, 0])


def test_times_keep_more_than_float32_of_the_date():
    series = ramp(10)
    series[:, 0] = 60000 + np.arange(10) * 1e-4
    batch = parsed(series)
    cut = windows.cut_windows(batch, windows.regular_windows(batch["length"], 10), 10)
    np.testing.assert_allclose(cut["times"][0], (np.arange(10) - 4.5) * 1e-4, atol=1e-10)


@pytest.mark.parametrize("number", [0, 1, 2])
def test_times_are_centred_like_the_originals(shared, number):
    with np.load(shared / "golden/golden_e_data.npz") as golden:
        series, expected = golden[f"std_in_{number}"], golden[f"std_out_{number}"]
    batch = parsed(series)
    cut = windows.cut_windows(batch, windows.regular_windows(batch["length"], 200), 200)
    # The original's float32 mean of the dates is off by up to 2e-3 d, for the window as a whole.
    difference = cut["times"][0, : len(series)].numpy() - expected[:, 0]
    assert abs(difference.mean()) < 4e-3
    assert np.ptp(difference) < 1e-4


@pytest.mark.parametrize("column", [0, 1, 2])
def test_values_that_are_not_finite_name_the_object(column):
    series = ramp(4)
    series[2, column] = np.nan
    batch = parsed(ramp(9), series)
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"not finite in'?\s.*star1"):
        windows.cut_windows(batch, windows.regular_windows(batch["length"], 5), 5)
