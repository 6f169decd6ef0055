"""Attention that points receive."""

import numpy as np
import polars as pl
import pytest
from example_records import CLASSES, small_encoder, write_stars

from astromer.evaluation.attention import attention_points, received_attention
from astromer.evaluation.points import attention_summary, relative_attention
from astromer.models.encoders import attention_weights


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    return write_stars(tmp_path_factory.mktemp("records") / "train.tfrecord")


@pytest.fixture(scope="module")
def points(records):
    return attention_points(small_encoder(), records, classes=CLASSES, per_class=2, window=100, seed=1)


def test_padding_neither_asks_nor_is_counted():
    weights = np.array([[[[0.2, 0.8, 0.0], [0.6, 0.4, 0.0], [1.0, 0.0, 0.0]]]])
    valid = np.array([[[1.0], [1.0], [0.0]]])
    np.testing.assert_allclose(received_attention(weights, valid), [[[0.4], [0.6], [0.0]]])


def test_weights_of_a_window_sum_to_one_and_are_the_encoders(points):
    heads = points["attention"].to_numpy()
    assert heads.shape == (len(points), 2)
    np.testing.assert_allclose(points["mean_attention"].to_numpy(), heads.mean(axis=1), rtol=1e-6)
    sums = points.group_by("id").agg(pl.col("mean_attention").sum())
    np.testing.assert_allclose(sums["mean_attention"].to_numpy(), 1, atol=1e-5)
    one = points.filter(pl.col("id") == points["id"][0])
    times, magnitudes = (one.select(pl.col(name) - pl.col(name).mean())[name].to_numpy() for name in ("mjd", "mag"))
    inputs = {"magnitudes": magnitudes, "times": times, "valid": np.ones(len(one))}
    inputs = {name: values.astype("float32")[None, :, None] for name, values in inputs.items()}
    expected = np.asarray(attention_weights(small_encoder(), inputs)[-1])[0].mean(axis=1)
    np.testing.assert_allclose(one["attention"].to_numpy().T, expected, atol=1e-6)


def test_objects_come_in_the_order_of_the_classes_and_are_folded(points):
    order = points.select("class", "example").unique(maintain_order=True)
    assert order.rows() == [("EC", 0), ("EC", 1), ("RRab", 0), ("RRab", 1)]
    assert points["phase"].is_between(0, 1).all()
    assert points.group_by("id").agg(pl.col("period_days").n_unique())["period_days"].to_list() == [1] * 4


def test_the_same_seed_gives_the_same_table_and_the_window_does_not_matter_where_all_fits(points, records):
    again = attention_points(small_encoder(), records, classes=CLASSES, per_class=2, window=120, seed=1)
    assert again.drop("attention", "mean_attention").equals(points.drop("attention", "mean_attention"))
    np.testing.assert_allclose(again["attention"].to_numpy(), points["attention"].to_numpy(), atol=1e-6)


def test_uniform_attention_is_one(points):
    points = points.to_pandas()
    relative = relative_attention(points)
    means = relative.groupby("id")[["head_1", "head_2", "mean"]].mean()
    np.testing.assert_allclose(means, 1, atol=1e-4)
    summary = attention_summary(points)
    assert list(summary.columns[-4:]) == ["observations", "min", "median", "max"]
    assert len(summary) == 4 * 3
    is_first, is_head = summary["id"] == points["id"][0], summary["head"] == "head_2"
    row = summary[is_first & is_head].iloc[0]
    values = relative[relative["id"] == points["id"][0]]["head_2"]
    assert (row["observations"], row["min"], row["max"]) == (len(values), values.min(), values.max())
