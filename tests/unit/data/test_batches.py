"""Batches: every window once, reproducible from seed and epoch, and equal to the original's."""

import gc
from itertools import pairwise

import numpy as np
import polars as pl
import pytest
import tensorflow as tf

from astromer.config.section import VARIANTS
from astromer.config.training import Masking
from astromer.data import parsing, records
from astromer.data.batches import _epoch_function, plain_batches, pretraining_batches
from astromer.data.windows import window_starts
from astromer.errors import InputError

POINTS = ("magnitudes", "times", "valid", "target", "probed", "hidden", "weight")
MASKED = {"window": 20, "batch_size": 8, "seed": 5, "masking": Masking()}


def write_survey(path, lengths, first=0):
    """Write stars of the given numbers of observations, named from `first` on."""
    rng = np.random.default_rng(first)
    ids = [f"{first + number:04d}" for number in range(len(lengths))]
    total = sum(lengths)
    observations = pl.DataFrame(
        {
            "id": np.repeat(ids, lengths),
            "mjd": np.concatenate([np.sort(rng.uniform(48800, 51500, length)) for length in lengths]),
            "mag": rng.normal(15, 1, total).astype(np.float32),
            "err_mag": rng.uniform(0.01, 0.1, total).astype(np.float32),
        }
    )
    objects = pl.DataFrame({"id": ids, "class": "A", "band": "R", "shard": 0})
    return records.write_records(observations, objects, path, classes=["A"]).path


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Three files of 60 stars of 1 to 50 observations."""
    lengths = np.random.default_rng(7).integers(1, 50, 60).tolist()
    folder = tmp_path_factory.mktemp("records")
    return [write_survey(folder / f"{part}.tfrecord", lengths[part::3], 100 * part) for part in range(3)]


def collect(batches):
    """Return all batches' windows by id and start, `(window, ...)` arrays without trailing padding."""
    windows = {}
    for batch in batches.as_numpy_iterator():
        for row, (name, start, length) in enumerate(zip(batch["id"], batch["start"], batch["length"], strict=True)):
            assert (name, start) not in windows
            windows[name, start] = {key: batch[key][row, :length, 0] for key in POINTS if key in batch}
    return windows


def keys(batches):
    """Return ids and starts in the order of the batches."""
    return [list(zip(b["id"], b["start"].tolist(), strict=True)) for b in batches.as_numpy_iterator()]


def assert_same(one, other):
    assert one.keys() == other.keys()
    for key, window in one.items():
        for name, values in window.items():
            # Sums over rows of another width may round differently.
            np.testing.assert_allclose(values, other[key][name], atol=2e-5, err_msg=f"{key} {name}")


def expected_windows(files, window=20):
    tables = [parsing.read_records(file)[0] for file in files]
    return {
        (name.encode(), int(start))
        for table in tables
        for name, length in table["id", "num_obs"].iter_rows()
        for start in window_starts(length, window)
    }


def test_each_window_comes_once_in_batches_of_one_shape(files):
    for batches in (
        pretraining_batches(files, **MASKED),
        pretraining_batches(files, **MASKED, training=False),
        plain_batches(files, window=20, batch_size=8),
        plain_batches(files, window=20, batch_size=8, shuffle=True, pad_multiple=4),
    ):
        assert set(collect(batches)) == expected_windows(files)
    *whole, last = pretraining_batches(files, **MASKED).as_numpy_iterator()
    for batch in whole:
        assert {batch[key].shape for key in POINTS} == {(8, 20, 1)}
        assert {batch[key].dtype for key in POINTS} == {np.dtype("float32")}
    assert len(last["id"]) == len(expected_windows(files)) % 8


def test_training_epochs_differ_and_can_be_repeated(files):
    first, again, second = (pretraining_batches(files, **MASKED, epoch=epoch) for epoch in (3, 3, 4))
    assert keys(first) == keys(again)
    assert_same(collect(first), collect(again))
    assert keys(first) != keys(second)
    before, after = collect(first), collect(second)
    assert before.keys() == after.keys()
    assert np.mean([(before[key]["probed"] != after[key]["probed"]).any() for key in before]) > 0.8
    assert keys(first) != keys(pretraining_batches(files, **{**MASKED, "seed": 6}, epoch=3))


def test_tensorflows_own_seed_changes_nothing(files):
    tf.random.set_seed(1)
    before = keys(pretraining_batches(files, **MASKED))
    tf.random.set_seed(2)
    _epoch_function.cache_clear()
    after = pretraining_batches(files, **MASKED)
    # The dataset does not need the function that made it.
    _epoch_function.cache_clear()
    gc.collect()
    assert keys(after) == before


def test_training_mixes_stars(files):
    order = [name for batch in keys(pretraining_batches(files, **MASKED)) for name, _ in batch]
    in_order = [name for batch in keys(plain_batches(files, window=20, batch_size=8)) for name, _ in batch]
    assert in_order == sorted(in_order)
    assert np.mean([one == other for one, other in pairwise(order)]) < 0.2
    assert np.mean([one == other for one, other in pairwise(in_order)]) > 0.2


@pytest.mark.parametrize("variant", VARIANTS)
def test_validation_masks_are_fixed_whatever_the_batches(files, variant):
    fixed = {**MASKED, "training": False, "variant": variant}
    reference = collect(pretraining_batches(files, **fixed))
    assert_same(reference, collect(pretraining_batches(files[::-1], **{**fixed, "batch_size": 3}, pad_multiple=5)))
    later = pretraining_batches(files, **fixed, epoch=9)
    assert_same(reference, collect(later))
    assert [key for batch in keys(later) for key in batch] == list(reference)


@pytest.mark.parametrize("training", [True, False])
def test_similar_lengths_share_batches_and_change_nothing(files, training):
    whole = pretraining_batches(files, **MASKED, training=training)
    trimmed = pretraining_batches(files, **MASKED, training=training, pad_multiple=5)
    assert_same(collect(whole), collect(trimmed))
    batches = [(batch["times"].shape[1], batch["length"].max()) for batch in trimmed.as_numpy_iterator()]
    assert all(width % 5 == 0 and width - longest < 5 for width, longest in batches)
    assert min(batches)[0] < 20


def test_times_are_shifted_in_training_alone_and_anew_each_epoch(files):
    still = collect(pretraining_batches(files, **MASKED))
    shifts = []
    for epoch in range(2):
        shifted = collect(pretraining_batches(files, **MASKED, time_shift=30.0, epoch=epoch))
        assert shifted.keys() == still.keys()
        shifts.append([shifted[key]["times"] - still[key]["times"] for key in still])
        for shift in shifts[-1]:
            np.testing.assert_allclose(shift, shift[0], atol=1e-3)  # one for all points of a window
    drawn = np.array([[shift[0] for shift in epoch] for epoch in shifts])
    assert np.abs(drawn).max() <= 30.0
    assert np.abs(drawn).max() > 20.0
    assert abs(drawn.mean()) < 10.0
    assert (drawn[0] != drawn[1]).all()
    validation = {**MASKED, "training": False}
    assert_same(
        collect(pretraining_batches(files, **validation)),
        collect(pretraining_batches(files, **validation, time_shift=30.0)),
    )


def test_sampling_draws_one_window_of_each_star_anew_each_epoch(files):
    epochs = [collect(pretraining_batches(files, **MASKED, sampling=True, epoch=epoch)) for epoch in range(3)]
    names = {name for name, _ in expected_windows(files)}
    for windows in epochs:
        assert len(windows) == len(names)
        assert {name for name, _ in windows} == names
    assert len({frozenset(windows) for windows in epochs}) == 3
    validation = [
        collect(pretraining_batches(files, **MASKED, sampling=True, training=False, epoch=epoch)) for epoch in range(2)
    ]
    assert_same(*validation)


def test_plain_batches_show_every_point(files):
    masked = collect(pretraining_batches(files, **MASKED, variant="released", training=False))
    for key, window in collect(plain_batches(files, window=20, batch_size=8)).items():
        assert window["valid"].all()
        np.testing.assert_allclose(window["magnitudes"], masked[key]["target"], atol=1e-5)
        np.testing.assert_array_equal(window["times"], masked[key]["times"])


def test_files_without_records_are_skipped_but_not_all(files, tmp_path):
    empty = tmp_path / "empty.tfrecord"
    empty.touch()
    assert collect(plain_batches([empty, *files], window=20, batch_size=8)).keys() == expected_windows(files)
    for bad in ([], [empty]):
        with pytest.raises(InputError, match="at least one record"):
            plain_batches(bad, window=20, batch_size=8)
    with pytest.raises(InputError, match="variant"):
        pretraining_batches(files, **MASKED, variant="papers")


def test_our_records_and_the_originals_are_not_mixed_up(files, shared):
    theirs = sorted((shared / "golden/golden_g_records/records").rglob("*.record"))
    assert len(collect(plain_batches(theirs, window=200, batch_size=4))) == 8
    with pytest.raises(tf.errors.InvalidArgumentError):
        collect(plain_batches([*files, *theirs], window=200, batch_size=4))


def test_released_batches_are_the_originals(shared):
    with np.load(shared / "golden/golden_g_records.npz") as golden:
        theirs = {key.split("/")[1]: golden[key] for key in golden.files if key.startswith("pretrain_seq/")}
    files = sorted((shared / "golden/golden_g_records/records").rglob("*.record"))
    settings = {"window": 200, "batch_size": 4, "seed": 1, "masking": Masking(), "variant": "released"}
    ours = collect(pretraining_batches(files, **settings, training=False))
    compared = set()
    for row, name in enumerate(theirs["tgt_lcid"]):
        length = int(200 - (theirs["in_mask_in"][row] * (1 - theirs["tgt_mask_out"][row])).sum())
        target = theirs["tgt_target"][row, :length, 0]
        candidates = [k for k, w in ours.items() if k[0] == name.encode() and w["target"].shape == target.shape]
        key = min(candidates, key=lambda k: np.abs(ours[k]["target"] - target).max())
        compared.add(key)
        window = ours[key]
        np.testing.assert_allclose(window["target"], target, atol=1e-5)
        np.testing.assert_allclose(window["weight"], theirs["tgt_w_error"][row, :length, 0], atol=1e-4)
        # Their float32 mean of the dates is a little off, for a window as a whole.
        times = theirs["in_times"][row, :length, 0]
        assert abs(times.mean()) < 0.02
        np.testing.assert_allclose(window["times"], times - times.mean(), atol=1e-4)
        for key, mask in (("probed", theirs["tgt_mask_out"][row]), ("valid", 1 - theirs["in_mask_in"][row])):
            assert window[key].sum() == mask.sum()
    # The original drops series of fewer than five points: obj0.
    assert set(ours) - compared == {(b"obj0", 0)}
