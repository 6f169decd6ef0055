"""Reconstruction of hidden points: what the model gets, and how its answer is scored."""

from functools import cache

import keras
import numpy as np
import polars as pl
import pytest
from example_records import CLASSES, small_reconstructor, write_stars

from astromer.config.training import Masking
from astromer.errors import InputError
from astromer.evaluation.points import reconstruction_errors
from astromer.evaluation.reconstruction import masked_window, reconstructed_points
from astromer.models.encoders import window_inputs

HIDE = Masking(probed=0.3, same=0.0, random=0.0)


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    return write_stars(tmp_path_factory.mktemp("records") / "validation.tfrecord")


@cache
def reconstruct(model, records, masking=HIDE, seed=1):
    arguments = {"classes": CLASSES, "per_class": 2, "window": 50, "masking": masking, "seed": seed}
    return reconstructed_points(model, records, **arguments)


def echo():
    """A model that gives back what it is given."""
    inputs = window_inputs()
    return keras.Model(inputs, keras.layers.Identity()(inputs["magnitudes"]))


copy = echo()


def test_nothing_hidden_reaches_the_model(records):
    points = reconstruct(copy, records)
    hidden = points.filter("hidden")
    np.testing.assert_allclose(hidden["predicted"].to_numpy(), hidden["window_mean"].to_numpy(), atol=1e-5)
    visible = points.filter(~pl.col("hidden")).group_by("id").agg(pl.col("mag").mean())
    means = hidden.group_by("id").agg(pl.col("window_mean").first()).join(visible, on="id")
    np.testing.assert_allclose(means["window_mean"].to_numpy(), means["mag"].to_numpy(), atol=1e-5)


def test_predictions_stand_at_hidden_points_only(records):
    points = reconstruct(small_reconstructor(), records)
    order = points.select("class", "example").unique(maintain_order=True)
    assert order.rows() == [("EC", 0), ("EC", 1), ("RRab", 0), ("RRab", 1)]
    assert points.group_by("id").agg(pl.col("hidden").sum())["hidden"].to_list() == [15] * 4
    for name in ("predicted", "interpolated", "window_mean"):
        assert points[name].is_null().equals(~points["hidden"])


def test_interpolation_lies_between_its_visible_neighbours(records):
    points = reconstruct(copy, records).filter(pl.col("example") == 0, pl.col("class") == "EC")
    visible, hidden = points.filter(~pl.col("hidden")), points.filter("hidden")
    expected = np.interp(hidden["mjd"].to_numpy(), visible["mjd"].to_numpy(), visible["mag"].to_numpy())
    np.testing.assert_allclose(hidden["interpolated"].to_numpy(), expected, atol=1e-3)


@pytest.mark.parametrize(("architecture", "variant"), [("v1", "released"), ("v2", "released"), ("v2", "paper")])
def test_every_variant_is_given_the_same_windows(records, architecture, variant):
    model = small_reconstructor(architecture, variant)
    points = reconstruct(model, records)
    assert points["hidden"].equals(reconstruct(copy, records)["hidden"])
    assert np.isfinite(points["predicted"].drop_nulls().to_numpy()).all()


def test_errors_are_those_of_the_hidden_points(records):
    points = reconstruct(copy, records)
    errors = reconstruction_errors(points.to_pandas())
    assert len(errors) == 4
    assert set(errors["hidden"]) == {15}
    assert set(errors["visible"]) == {35}
    first = points.filter("hidden", pl.col("id") == errors["id"][0])
    rmse = np.sqrt(np.mean((first["predicted"] - first["mag"]).to_numpy() ** 2))
    assert errors["rmse_model"][0] == pytest.approx(rmse)
    np.testing.assert_allclose(errors["rmse_model"].to_numpy(), errors["rmse_window_mean"].to_numpy(), atol=1e-4)
    assert (errors["rmse_interpolation"] > 0).all()


def test_the_seed_decides_and_a_window_without_hidden_points_is_an_error(records):
    assert reconstruct(copy, records).equals(reconstruct.__wrapped__(copy, records))
    assert not reconstruct(copy, records)["hidden"].equals(reconstruct(copy, records, seed=2)["hidden"])
    with pytest.raises(InputError, match="its window has no hidden point"):
        reconstruct(copy, records, masking=Masking(probed=0.5, same=1.0, random=0.0))


@pytest.mark.parametrize("variant", ["paper", "released"])
def test_states_of_a_masked_window(records, variant):
    name = reconstruct(copy, records)["id"][0]
    points = masked_window(records, name, window=50, masking=Masking(), variant=variant, seed=3)
    assert dict(points["state"].value_counts().iter_rows()) == {"unprobed": 25, "shown": 5, "replaced": 4, "hidden": 16}
    assert points.filter(pl.col("state") == "hidden")["valid"].sum() == 0
    assert points.filter(pl.col("state") != "hidden")["valid"].min() == 1
    given = points.filter(pl.col("state") == "hidden")["magnitudes"].to_numpy()
    assert (given == 0).all() == (variant == "paper")
    np.testing.assert_allclose((points["mag"] - points["target"]).to_numpy().std(), 0, atol=1e-5)


def test_an_unknown_object_is_an_error(records):
    with pytest.raises(InputError, match=r"validation\.tfrecord: there is no object 'nobody'"):
        masked_window(records, "nobody", window=50, masking=Masking(), seed=3)
