"""Masks: the original's counts, its released arithmetic, and that nothing hidden is seen."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from astromer.config.section import VARIANTS
from astromer.config.training import Masking
from astromer.data.masking import mask_windows, show_windows, uncertainty_weights, window_keys
from astromer.errors import InputError

ENCODER_INPUTS = ("magnitudes", "times", "valid")
FRACTIONS = st.floats(0, 1)


def make_windows(lengths, window=200, seed=0):
    """Windows of random magnitudes, as `cut_windows` returns them."""
    rng = np.random.default_rng(seed)
    lengths = np.asarray(lengths, np.int32)
    real = np.arange(window) < lengths[:, None]
    columns = {
        "times": rng.normal(0, 300, real.shape),
        "magnitudes": rng.normal(15, 1, real.shape),
        "err_mag": rng.uniform(0.01, 0.1, real.shape),
    }
    return {
        **{key: tf.constant(np.where(real, value, 0), tf.float32) for key, value in columns.items()},
        "id": tf.constant([f"star{number}" for number in range(len(lengths))]),
        "label": tf.zeros(len(lengths), tf.int32),
        "start": tf.zeros(len(lengths), tf.int32),
        "overlap": tf.zeros(len(lengths), tf.int32),
        "length": tf.constant(lengths),
    }


def masked(windows, masking=Masking(), variant="paper", seed=1, epoch=0):  # noqa: B008
    """Mask windows; arrays `(batch, window)` of the points and what describes the windows."""
    batch = mask_windows(windows, window_keys(windows["id"], windows["start"], seed, epoch), masking, variant)
    return {key: value.numpy()[..., 0] if value.shape.rank == 3 else value.numpy() for key, value in batch.items()}


def counts(batch):
    """Probed, shown though probed, and hidden points of each window."""
    probed, hidden = batch["probed"].sum(1), batch["hidden"].sum(1)
    return np.stack([probed, (batch["probed"] * batch["valid"]).sum(1), hidden], 1)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize(
    ("table", "masking"),
    [
        ("count_table", Masking()),
        ("counts_p0.5_r0.2_s0.2", Masking(probed=0.5, same=0.2, random=0.2)),
        ("counts_p0.2_r0.1_s0.1", Masking(probed=0.2, same=0.1, random=0.1)),
        ("counts_p0.5_r0.1_s0.1", Masking(probed=0.5, same=0.1, random=0.1)),
        ("counts_p0.6_r0.2_s0.2", Masking(probed=0.6, same=0.2, random=0.2)),
    ],
)
def test_counts_are_the_originals(shared, table, masking, variant):
    with np.load(shared / "golden/golden_e_data.npz") as golden:
        expected = golden[table]
    np.testing.assert_array_equal(counts(masked(make_windows(expected[:, 0]), masking, variant)), expected[:, 1:4])


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("table", ["count_table"])
def test_replaced_points_are_the_originals_in_number(shared, table, variant):
    with np.load(shared / "golden/golden_e_data.npz") as golden:
        length, probed, _, _, _, same, replaced, *_ = golden[table].T
    batch = masked(make_windows(length), variant=variant)
    shown = (batch["probed"] * batch["valid"]).sum(1)
    np.testing.assert_array_equal(shown - np.minimum(same, probed), replaced)
    changed = (batch["valid"] * (batch["magnitudes"] != batch["target"])).sum(1)
    # A replacement drawn from the whole window may hit the point itself.
    assert (changed <= replaced).all()
    assert changed.sum() > 0.97 * replaced.sum()


@pytest.mark.parametrize("variant", VARIANTS)
def test_each_point_is_chosen_equally_often(variant):
    batch = masked(make_windows([40] * 4000, window=50), variant=variant)
    for key, fraction in (("probed", 20 / 40), ("hidden", 12 / 40)):
        frequency = batch[key].mean(0)
        np.testing.assert_allclose(frequency[:40], fraction, atol=5 * np.sqrt(fraction * (1 - fraction) / 4000))
        assert not frequency[40:].any()


@settings(max_examples=60, deadline=None)
@given(
    lengths=st.lists(st.integers(1, 60), min_size=1, max_size=8),
    masking=st.builds(Masking, probed=FRACTIONS, same=FRACTIONS, random=FRACTIONS),
    variant=st.sampled_from(VARIANTS),
)
def test_masks_agree_with_each_other(lengths, masking, variant):
    batch = masked(make_windows(lengths, window=60), masking, variant)
    real = np.arange(60) < np.array(lengths)[:, None]
    for key in ("magnitudes", "times", "valid", "target", "probed", "hidden", "weight"):
        assert np.isfinite(batch[key]).all()
    for key in ("magnitudes", "times", "valid", "target", "probed", "hidden"):
        assert not batch[key][~real].any(), key
    np.testing.assert_array_equal(batch["hidden"], batch["probed"] * real * (1 - batch["valid"]))
    as_it_is = real & (batch["probed"] == 0)
    np.testing.assert_array_equal(batch["magnitudes"][as_it_is], batch["target"][as_it_is])
    if variant == "paper":
        assert not batch["magnitudes"][batch["valid"] == 0].any()


@settings(max_examples=60, deadline=None)
@given(
    lengths=st.lists(st.integers(1, 60), min_size=1, max_size=8),
    masking=st.builds(Masking, probed=FRACTIONS, same=FRACTIONS, random=FRACTIONS),
    seed=st.integers(0, 2**40),
    epoch=st.integers(0, 10**6),
)
def test_hidden_and_replaced_magnitudes_never_reach_the_encoder(lengths, masking, seed, epoch):
    windows = make_windows(lengths, window=60)
    before = masked(windows, masking, "paper", seed, epoch)
    # Altered: hidden, or shown with another magnitude. The latter differ from their target, unless all are 0.
    altered = (before["hidden"] > 0) | (before["magnitudes"] != before["target"])
    other = np.where(altered, windows["magnitudes"] * 3 - 40, windows["magnitudes"])
    after = masked({**windows, "magnitudes": tf.constant(other)}, masking, "paper", seed, epoch)
    for key in ENCODER_INPUTS:
        np.testing.assert_array_equal(before[key], after[key], err_msg=key)
    shown = (before["valid"] > 0) & ~altered
    np.testing.assert_allclose((before["magnitudes"] * shown).sum(1), 0, atol=1e-3)


def test_paper_replaces_by_magnitudes_that_are_shown():
    batch = masked(make_windows([200] * 50))
    for magnitudes, target, valid in zip(batch["magnitudes"], batch["target"], batch["valid"], strict=True):
        replaced = (valid > 0) & (magnitudes != target)
        assert replaced.sum() == 16
        assert np.isin(magnitudes[replaced], target[(valid > 0) & ~replaced]).all()


def test_released_replaces_by_a_shuffle_of_the_window_and_keeps_hidden_magnitudes():
    batch = masked(make_windows([200] * 400), variant="released")
    from_probed = []
    for magnitudes, target, probed, valid in zip(
        *(batch[key] for key in ("magnitudes", "target", "probed", "valid")), strict=True
    ):
        replaced = (valid > 0) & (magnitudes != target)
        assert np.unique(magnitudes[replaced]).size == replaced.sum()
        assert np.isin(magnitudes[replaced], target).all()
        from_probed.append(np.isin(magnitudes[replaced], target[probed > 0]).mean())
        np.testing.assert_array_equal(magnitudes[valid == 0], target[valid == 0])
    assert abs(np.mean(from_probed) - 0.5) < 0.03
    np.testing.assert_allclose(batch["target"].mean(1), 0, atol=1e-5)


def test_masks_follow_seed_and_epoch_and_nothing_else():
    windows = make_windows([200] * 6)
    first = masked(windows, seed=1, epoch=3)
    tf.random.set_seed(99)
    alone = {key: value[2:3] for key, value in windows.items()}
    np.testing.assert_array_equal(masked(alone, seed=1, epoch=3)["probed"], first["probed"][2:3])
    for other in (masked(windows, seed=2, epoch=3), masked(windows, seed=1, epoch=4)):
        assert (other["probed"] != first["probed"]).any(1).all()
        np.testing.assert_array_equal(counts(other), counts(first))
    assert len(np.unique(first["probed"], axis=0)) == 6


@pytest.mark.parametrize("variant", VARIANTS)
def test_everything_hidden_and_one_point_are_defined(variant):
    windows = make_windows([1, 30], window=30)
    hidden = masked(windows, Masking(probed=1, same=0, random=0), variant)
    assert not hidden["valid"].any()
    np.testing.assert_array_equal(hidden["hidden"].sum(1), [1, 30])
    np.testing.assert_allclose(hidden["target"].mean(1), 0, atol=1e-6)
    replaced = masked(windows, Masking(probed=1, same=0, random=1), variant)
    np.testing.assert_array_equal(replaced["valid"].sum(1), [1, 30])
    if variant == "paper":
        assert not replaced["magnitudes"].any()
    untouched = masked(windows, Masking(probed=0), variant)
    assert not untouched["probed"].any()
    np.testing.assert_array_equal(untouched["magnitudes"], untouched["target"])


@pytest.mark.parametrize("name", ["probed", "same", "random"])
@pytest.mark.parametrize("fraction", [-0.1, 1.1, float("nan")])
def test_fractions_beyond_0_and_1_are_refused(name, fraction):
    with pytest.raises(InputError, match=name):
        Masking.read({name: fraction}, "masking")


def test_show_windows_hides_nothing():
    windows = make_windows([50, 7, 1], window=50)
    batch = {key: value.numpy() for key, value in show_windows(windows).items()}
    real = np.arange(50) < np.array([[50], [7], [1]])
    np.testing.assert_array_equal(batch["valid"][..., 0], real)
    np.testing.assert_array_equal(batch["times"][..., 0], windows["times"])
    means = windows["magnitudes"].numpy().sum(1, keepdims=True) / real.sum(1, keepdims=True)
    np.testing.assert_allclose(batch["magnitudes"][..., 0], (windows["magnitudes"] - means) * real, atol=1e-5)


@pytest.mark.parametrize("number", [0, 1, 2])
def test_magnitudes_are_centred_like_the_originals(shared, number):
    with np.load(shared / "golden/golden_e_data.npz") as golden:
        series, expected = golden[f"std_in_{number}"], golden[f"std_out_{number}"]
    windows = {**make_windows([len(series)], window=len(series)), "magnitudes": tf.constant(series[None, :, 1])}
    np.testing.assert_allclose(show_windows(windows)["magnitudes"][0, :, 0], expected[:, 1], atol=1e-5)


def test_released_masks_match_the_originals_example(shared):
    with np.load(shared / "golden/golden_e_data.npz") as golden:
        example = {key: golden[key] for key in golden.files if key.startswith("ex_")}
    windows = make_windows([50], window=64)
    windows["magnitudes"] = tf.constant(np.pad(example["ex_input"][:, 1], (0, 14))[None])
    batch = masked(windows, variant="released")
    theirs = {"probed": example["ex_mask_out"], "valid": 1 - example["ex_mask_in"]}
    for key, mask in theirs.items():
        assert batch[key].sum() == mask.sum()
    untouched = (batch["probed"][0] == 0) & (theirs["probed"] == 0)
    expected = example["ex_input_modified"] - example["ex_input"][:, 1].mean() * (np.arange(64) < 50)
    np.testing.assert_allclose(batch["magnitudes"][0][untouched], expected[untouched], atol=1e-5)


# Uncertainty weights


def test_released_weights_are_the_originals(shared):
    with np.load(shared / "golden/golden_e_data.npz") as golden:
        errors, weights, real = golden["we_errors_seen"], golden["we_weights"], golden["we_mask_pad"] > 0
        edge_errors, edge_weights = golden["we_edge_err"][..., 0], golden["we_edge_w"][..., 0]
    ours = uncertainty_weights(tf.constant(np.where(real, errors, 0)), tf.constant(real), "released").numpy()
    # Their errors went through a subtraction and an addition of the mean; so the scale of 1 / error differs a little.
    np.testing.assert_allclose(ours, weights, atol=2e-5)
    whole = tf.ones(edge_errors.shape, tf.bool)
    np.testing.assert_allclose(
        uncertainty_weights(tf.constant(edge_errors), whole, "released"), edge_weights, atol=1e-6
    )


def test_paper_weights_leave_padding_out():
    errors = tf.constant([[0.1, 0.2, 0.4, 0.0], [0.1, 0.1, 0.1, 0.0], [0.3, 0.0, 0.0, 0.0]])
    real = tf.constant([[1, 1, 1, 0], [1, 1, 1, 0], [1, 0, 0, 0]], tf.float32) > 0
    expected = [[1.001, 1 / 3 + 0.001, 0.001, 0], [1.001, 1.001, 1.001, 0], [1.001, 0, 0, 0]]
    np.testing.assert_allclose(uncertainty_weights(errors, real), expected, atol=1e-6)
