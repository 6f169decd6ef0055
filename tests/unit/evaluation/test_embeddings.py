"""Stored embeddings hold what heads need, whatever the batches and the padding."""

import keras
import numpy as np
import polars as pl
import pytest
import tensorflow as tf

from astromer.config.encoders import EncoderConfig
from astromer.errors import InputError
from astromer.evaluation.embeddings import embed_windows, head_inputs, object_weights, window_table
from astromer.models.encoders import build_encoder


@pytest.fixture(scope="module")
def encoder():
    keras.utils.set_random_seed(0)
    config = EncoderConfig(architecture="v2", window=12, num_blocks=2, num_heads=2, head_dim=4, feedforward_dim=8)
    return build_encoder(config)


def batches(lengths, batch_size, window):
    rng = np.random.default_rng(0)
    windows = []
    for number, length in enumerate(lengths):
        columns = np.zeros((3, window, 1), np.float32)
        columns[0, :length, 0] = rng.normal(size=length)
        columns[1, :length, 0] = np.sort(rng.normal(scale=100, size=length))
        columns[2, :length, 0] = 1
        windows.append((*columns, f"star {number}", 7 * number, number % 3, length))
    names = ("magnitudes", "times", "valid", "id", "start", "label", "length")
    fields = {name: [row[i] for row in windows] for i, name in enumerate(names)}
    fields |= {name: np.array(fields[name], np.int32) for name in ("start", "label", "length")}
    return tf.data.Dataset.from_tensor_slices(fields).batch(batch_size)


def test_table_describes_each_window(encoder):
    table = embed_windows(encoder, batches([12, 5, 9, 1], 3, 12))
    assert table["id"].to_list() == ["star 0", "star 1", "star 2", "star 3"]
    assert table.select("window", "label", "length").rows() == [(0, 0, 12), (7, 1, 5), (14, 2, 9), (21, 0, 1)]
    shapes = {name: array.shape for name, array in head_inputs(table, ["mean", "max"]).items()}
    assert shapes == {"mean": (4, 3, 8), "max": (4, 8), "label": (4,), "weight": (4,)}
    assert window_table(batches([12, 5, 9, 1], 2, 12)).equals(table.select("id", "window", "label", "length"))


def test_padding_and_batch_size_do_not_matter(encoder):
    one, other = embed_windows(encoder, batches([7, 3], 2, 7)), embed_windows(encoder, batches([7, 3], 1, 12))
    for name in ("mean", "max"):
        np.testing.assert_allclose(one[name].to_numpy(), other[name].to_numpy(), rtol=1e-5, atol=1e-6)


def test_survives_parquet(encoder, tmp_path):
    table = embed_windows(encoder, batches([4, 6], 2, 6))
    table.write_parquet(tmp_path / "embeddings.parquet")
    assert pl.read_parquet(tmp_path / "embeddings.parquet").equals(table)


def test_no_windows(encoder):
    with pytest.raises(InputError, match="no windows"):
        embed_windows(encoder, [])


def test_sequences_are_stored_only_where_asked_for_in_half_precision(encoder):
    table = embed_windows(encoder, batches([7, 3], 1, 8), ["sequence", "valid"], window=12)
    assert table.schema["sequence"] == pl.Array(pl.Float16, (12, 8))
    assert "mean" not in table.columns
    means = embed_windows(encoder, batches([7, 3], 1, 8))["mean"].to_numpy()[:, -1]
    for row, length in enumerate((7, 3)):
        points = table["sequence"].to_numpy()[row, :length].astype(np.float32)
        np.testing.assert_allclose(points.mean(axis=0), means[row], atol=2e-3)
        np.testing.assert_array_equal(table["valid"].to_numpy()[row, :, 0], np.arange(12) < length)
    with pytest.raises(InputError, match="sequence needs the argument `window`"):
        embed_windows(encoder, batches([7], 1, 8), ["sequence"])


def test_sequences_survive_parquet(encoder, tmp_path):
    table = embed_windows(encoder, batches([4, 6], 2, 6), ["sequence", "valid"], window=6)
    table.write_parquet(tmp_path / "embeddings.parquet")
    assert pl.read_parquet(tmp_path / "embeddings.parquet").equals(table)


def test_windows_of_an_object_share_its_weight():
    weights = object_weights(pl.Series("id", ["b", "a", "b", "b"]))
    np.testing.assert_allclose(weights, [1 / 3, 1, 1 / 3, 1 / 3])
    assert weights.dtype == np.float32
