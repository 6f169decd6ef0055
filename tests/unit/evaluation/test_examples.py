"""Examples do not depend on what stands beside them, and points keep to their observations."""

import numpy as np
import polars as pl
import pytest
from example_records import CLASSES, stars, write_stars

from astromer.data.batches import plain_batches
from astromer.errors import InputError
from astromer.evaluation.examples import draw_examples, window_points, windows_of


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    return write_stars(tmp_path_factory.mktemp("records") / "train.tfrecord")


def test_examples_come_from_the_longer_half_of_their_class(records):
    examples, observations = draw_examples(records, CLASSES, 5, seed=1)
    assert examples["class"].to_list() == ["EC", "EC", "RRab", "RRab"]
    assert examples["example"].to_list() == [0, 1, 0, 1]
    objects, every = stars()
    lengths = every.group_by("id").len().join(objects.select("id", "class"), on="id")
    for name in CLASSES:
        longest = lengths.filter(pl.col("class") == name).sort("len")["id"].tail(2)
        assert set(examples.filter(pl.col("class") == name)["id"]) == set(longest)
    expected = every.filter(pl.col("id").is_in(examples["id"].implode())).sort("id", "mjd")
    found = observations.sort("id", "mjd")
    assert found.drop("mjd", "phase").equals(expected.drop("mjd"))
    np.testing.assert_allclose(found["mjd"].to_numpy(), expected["mjd"].to_numpy(), atol=1e-8)


def test_a_class_is_drawn_alike_whatever_stands_beside_it(records, tmp_path):
    alone = write_stars(tmp_path / "alone.tfrecord", ["RRab"])
    drawn = [draw_examples(records, CLASSES, 1, seed=seed)[0].filter(pl.col("class") == "RRab") for seed in range(4)]
    assert drawn[0].equals(draw_examples(alone, ["RRab"], 1, seed=0)[0])
    assert len({table["id"].item() for table in drawn}) == 2


def test_a_class_without_objects_is_an_error(records):
    with pytest.raises(InputError, match=r"train\.tfrecord: class 'LPV': expected at least one object"):
        draw_examples(records, ["EC", "LPV"], 1, seed=1)


def test_points_stand_beside_their_observations(records):
    examples, observations = draw_examples(records, CLASSES, 2, seed=1)
    batches = plain_batches([records], window=40, batch_size=3, seed=2, sampling=True)
    windows = windows_of(batches, examples["id"])
    assert sorted(windows["id"]) == sorted(examples["id"])
    pairs = np.stack([windows["times"], 2 * windows["times"]], axis=2)
    points = window_points(windows | {"pairs": pairs}, observations)
    assert points.group_by("id").len()["len"].to_list() == [40] * 4
    assert points.group_by("id").agg(pl.col("start").first())["start"].max() > 0
    centred = points.select(pl.col("mjd") - pl.col("mjd").mean().over("id"))["mjd"].to_numpy()
    np.testing.assert_allclose(points["times"].to_numpy(), centred, atol=1e-3)
    shown = points.select(pl.col("mag") - pl.col("mag").mean().over("id"))["mag"].to_numpy()
    np.testing.assert_allclose(points["magnitudes"].to_numpy(), shown, atol=1e-5)
    np.testing.assert_array_equal(points["pairs"].to_numpy()[:, 1], 2 * points["times"].to_numpy())
