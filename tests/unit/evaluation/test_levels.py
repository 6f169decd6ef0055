"""Vectors of every level, their silhouettes and maps, and gamma of a head."""

import keras
import numpy as np
import polars as pl
import pytest
import tensorflow as tf

from astromer.config.encoders import EncoderConfig
from astromer.errors import InputError
from astromer.evaluation.levels import LevelVectors, gamma_rows, level_maps, level_vectors, silhouettes
from astromer.evaluation.published import published
from astromer.models.encoders import build_encoder
from astromer.models.heads import build_head
from astromer.stages.gammas import measure_gammas


@pytest.fixture(scope="module")
def encoder():
    keras.utils.set_random_seed(0)
    config = EncoderConfig(architecture="v2", window=12, num_blocks=2, num_heads=2, head_dim=4, feedforward_dim=8)
    return build_encoder(config)


def batches(width: int, batch_size: int) -> tf.data.Dataset:
    """Four windows of three objects: the second object has two, of different lengths."""
    rng = np.random.default_rng(0)
    lengths, ids = [5, 6, 2, 4], ["b", "a", "a", "c"]
    columns = np.zeros((3, 4, width, 1), "float32")
    for row, length in enumerate(lengths):
        columns[0, row, :length, 0] = rng.normal(size=length)
        columns[1, row, :length, 0] = np.sort(rng.normal(scale=100, size=length))
        columns[2, row, :length, 0] = 1
    fields = dict(zip(("magnitudes", "times", "valid"), columns, strict=True)) | {"id": ids}
    fields |= {"label": np.array([1, 0, 0, 1], "int32"), "length": np.array(lengths, "int32")}
    return tf.data.Dataset.from_tensor_slices(fields).batch(batch_size)


def test_objects_have_a_vector_per_level_whatever_the_padding(encoder):
    found, other = level_vectors(encoder, batches(6, 4)), level_vectors(encoder, batches(12, 1))
    assert found.ids == ["a", "b", "c"]
    assert found.labels.tolist() == [0, 1, 1]
    for pooling, levels in found.vectors.items():
        assert [level.shape for level in levels] == [(3, 8)] * 3
        for level, same in zip(levels, other.vectors[pooling], strict=True):
            np.testing.assert_allclose(level, same, rtol=1e-4, atol=1e-5)


def test_windows_of_an_object_count_by_their_lengths(encoder):
    (batch,) = batches(6, 4)
    levels = encoder({name: batch[name] for name in ("magnitudes", "times", "valid")})
    points = np.concatenate([levels[2][1, :6], levels[2][2, :2]])
    found = level_vectors(encoder, [batch])
    np.testing.assert_allclose(found.vectors["mean"][2][0], points.mean(axis=0), rtol=1e-4, atol=1e-5)
    with pytest.raises(InputError, match="no windows"):
        level_vectors(encoder, [])


def two_groups(apart: float) -> LevelVectors:
    rng = np.random.default_rng(1)
    labels = np.repeat([0, 1], 15)
    levels = [rng.normal(size=(30, 4)), rng.normal(size=(30, 4)) + apart * labels[:, None]]
    return LevelVectors([f"{i:02d}" for i in range(30)], labels, {"mean": levels, "max": levels})


def test_silhouettes_tell_a_level_that_separates_the_classes():
    table = silhouettes(two_groups(9.0))
    assert table["objects"].unique().to_list() == [30]
    mixed, apart = table.filter(pl.col("pooling") == "mean").sort("level")["silhouette"]
    assert abs(mixed) < 0.1
    assert apart > 0.7
    one_class = two_groups(9.0)
    one_class.labels[:] = 0
    assert silhouettes(one_class)["silhouette"].null_count() == 4


def test_maps_keep_groups_apart_and_follow_the_seed():
    maps = level_maps(two_groups(9.0), ["EC", "LPV"], seed=1)
    assert maps.group_by("level", "class").len()["len"].to_list() == [15] * 4
    last = maps.filter(pl.col("level") == 1)
    places = {name: last.filter(pl.col("class") == name).select("x", "y").to_numpy() for name in ("EC", "LPV")}
    spread = max(points.std(axis=0).max() for points in places.values())
    assert np.linalg.norm(places["EC"].mean(axis=0) - places["LPV"].mean(axis=0)) > spread
    assert maps.equals(level_maps(two_groups(9.0), ["EC", "LPV"], seed=1))


def test_gamma_is_read_from_the_heads_of_a_run(tmp_path):
    head = build_head("skip", num_levels=3, dim=4, num_classes=2, hidden=[4])
    gamma = np.array([0.1, 0.3, 0.5], "float32")
    head.get_layer("level_mix").gamma.assign(gamma)
    rows = gamma_rows(head)
    np.testing.assert_allclose(rows["weight"], np.exp(gamma) / np.exp(gamma).sum(), rtol=1e-5)
    (tmp_path / "models/fold0/spc20/seed0").mkdir(parents=True)
    head.save(tmp_path / "models/fold0/spc20/seed0/mix.keras")
    source = {"dataset": "sim", "folds": 1, "spc": [20]}
    measure_gammas(tmp_path / "gammas.csv", sources=[source], head="mix", models=[tmp_path / "models"])
    table = pl.read_csv(tmp_path / "gammas.csv")
    assert table.select("dataset", "fold", "spc").unique().rows() == [("sim", 0, 20)]
    np.testing.assert_allclose(table["gamma"], gamma, rtol=1e-6)
    measure_gammas(tmp_path / "none.csv", sources=[], head=None)
    assert pl.read_csv(tmp_path / "none.csv").is_empty()


def test_published_gammas_are_complete_and_their_softmax_sums_to_1():
    table = published("gammas")
    assert len(table) == 2 * 3 * 7
    sums = table.group_by("dataset", "spc").agg(pl.col("weight").sum())["weight"]
    np.testing.assert_allclose(sums, 1, atol=1e-4)
    assert published("scores", "in-domain")["dataset"].unique().to_list() == ["alcock"]
    with pytest.raises(InputError, match="role"):
        published("gammas", "elsewhere")
