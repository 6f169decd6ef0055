"""Classical classifiers of objects, and mixtures that do not lose to their better part."""

import numpy as np
import polars as pl
import pytest

from astromer.errors import InputError
from astromer.evaluation.classical import (
    CLASSICAL,
    MIXED_SHARE,
    earned_share,
    fit_classical,
    held_out,
    mix,
    object_vectors,
    shuffled_labels,
)
from astromer.evaluation.predictions import predictions_table
from astromer.evaluation.scores import score_predictions

CLASSES = ("EC", "LPV", "RRab")


def stars(seed: int, number: int, noise: float = 0.5) -> pl.DataFrame:
    """Three classes apart in `useful`; `useless` is noise, `vector` holds the class in its first two components."""
    rng = np.random.default_rng(seed)
    labels = np.arange(number) % 3
    vectors = rng.normal(0, noise, (number, 4)).astype("f4")
    vectors[:, :3] += np.eye(3)[labels]
    return pl.DataFrame(
        {
            "id": [f"{seed} star {star:04d}" for star in range(number)],
            "label": pl.Series(labels, dtype=pl.Int32),
            "useful": labels + rng.normal(0, 0.3, number),
            "useless": rng.normal(0, 1, number),
            "vector": pl.Series(vectors, dtype=pl.Array(pl.Float32, 4)),
        }
    )


def f1(predictions: pl.DataFrame) -> float:
    table = score_predictions(predictions, CLASSES)
    chosen = (pl.col("level") == "object") & (pl.col("metric") == "f1") & pl.col("class").is_null()
    return table.filter(chosen)["value"].item()


@pytest.mark.parametrize("name", CLASSICAL)
def test_learns_and_says_what_from(name):
    training, test = (stars(seed, 60).drop("vector") for seed in (0, 1))
    fitted = fit_classical(name, training, test, CLASSES, seed=0)
    assert fitted.predictions["id"].to_list() == test["id"].to_list()
    assert f1(fitted.predictions) > 0.7
    importances = dict(fitted.importances.iter_rows())
    assert importances["useful"] > 2 * importances["useless"]
    assert sum(importances.values()) == pytest.approx(1)
    assert fit_classical(name, training, test, CLASSES, seed=0).predictions.equals(fitted.predictions)


def test_vectors_give_an_input_for_each_component():
    training, test = (stars(seed, 90, 0.2).select("id", "label", "vector") for seed in (0, 1))
    fitted = fit_classical("logistic", training, test, CLASSES, seed=0)
    assert fitted.importances["input"].to_list() == [f"vector_{part}" for part in range(4)]
    assert f1(fitted.predictions) > 0.95


def test_the_vector_of_an_object_is_the_mean_of_its_windows_weighted_by_their_lengths():
    rng = np.random.default_rng(0)
    shapes = {"mean": (2, 3), "std": (3,), "max": (3,), "log_scale": (1,)}
    arrays = {name: rng.normal(size=(3, *shape)).astype("f4") for name, shape in shapes.items()}
    table = pl.DataFrame({"id": ["b", "a", "b"], "window": [200, 0, 0], "label": [1, 0, 1], "length": [50, 9, 200]})
    table = table.with_columns(
        pl.Series(name, array, dtype=pl.Array(pl.Float32, array.shape[1:])) for name, array in arrays.items()
    )
    found = object_vectors(table)
    assert found.select("id", "label").rows() == [("a", 0), ("b", 1)]
    rows = np.concatenate([arrays["mean"][:, -1], arrays["std"], arrays["max"], arrays["log_scale"]], axis=1)
    assert rows.shape == (3, 3 * 3 + 1)
    expected = np.stack([rows[1], 0.2 * rows[0] + 0.8 * rows[2]])
    np.testing.assert_allclose(found["vector"].to_numpy(), expected, rtol=1e-5)
    assert object_vectors(table[[2, 1, 0]]).equals(found)


@pytest.mark.parametrize("name", CLASSICAL)
def test_missing_values_are_the_median_of_the_training_rows_and_counted(name):
    training, test = (stars(seed, 60).drop("vector") for seed in (0, 1))
    median = training["useless"][1:].median()
    holes = [
        table.with_columns(pl.when(pl.int_range(pl.len()) > 0).then("useless").alias("useless"))
        for table in (training, test)
    ]
    filled = [table.with_columns(pl.col("useless").fill_null(median)) for table in holes]
    found = fit_classical(name, *holes, CLASSES, seed=0)
    assert found.imputed.rows() == [("useless", 2)]
    assert found.predictions.equals(fit_classical(name, *filled, CLASSES, seed=0).predictions)


def test_a_feature_that_always_fails_is_no_obstacle():
    training, test = (stars(seed, 30).drop("vector").with_columns(nothing=pl.lit(None, pl.Float64)) for seed in (0, 1))
    fitted = fit_classical("forest", training, test, CLASSES, seed=0)
    assert dict(fitted.importances.iter_rows())["nothing"] == 0
    assert fitted.imputed.rows() == [("nothing", 60)]


def test_shuffled_labels_score_by_chance():
    training, test = (stars(seed, 120) for seed in (0, 1))
    fitted = fit_classical("forest", shuffled_labels(training, seed=0), test, CLASSES, seed=0)
    assert f1(fitted.predictions) < 0.5


def test_wrong_inputs_are_named():
    training, test = (stars(seed, 30) for seed in (0, 1))
    with pytest.raises(InputError, match="classical classifier is 'trees'"):
        fit_classical("trees", training, test, CLASSES, seed=0)
    with pytest.raises(InputError, match="no training object of class LPV"):
        fit_classical("forest", training.filter(pl.col("label") != 1), test, CLASSES, seed=0)
    with pytest.raises(InputError, match="columns"):
        fit_classical("forest", training, test.drop("vector"), CLASSES, seed=0)


def test_held_out_predictions_do_not_know_their_own_label():
    training = shuffled_labels(stars(0, 120), seed=0)
    table = held_out("forest", training, CLASSES, seed=0)
    assert table["id"].to_list() == training["id"].to_list()
    assert f1(table) < 0.5


def guesses(sharpness: float, seed: int, number: int = 120) -> pl.DataFrame:
    """Probabilities that know the class the better the sharper they are."""
    labels = np.arange(number) % 3
    logits = sharpness * np.eye(3)[labels] + np.random.default_rng(seed).normal(0, 1, (number, 3))
    rows = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return predictions_table([f"star {star:03d}" for star in range(number)], np.zeros(number), labels, rows, CLASSES)


def test_a_mixture_takes_what_helps_and_leaves_what_does_not():
    good, other, chance = guesses(2, 0), guesses(2, 1), guesses(0, 2)
    assert earned_share(good, other) == earned_share(chance, good) == MIXED_SHARE
    assert earned_share(good, chance) == 0
    assert f1(mix(guesses(2, 10), guesses(2, 11), MIXED_SHARE)) > f1(guesses(2, 10))


def test_mix_averages_the_same_objects():
    one, other = guesses(1, 0), guesses(1, 1)
    mixed = mix(one, other.sample(fraction=1, shuffle=True, seed=0), 0.25)
    expected = 0.75 * one["p_EC"].to_numpy() + 0.25 * other["p_EC"].to_numpy()
    np.testing.assert_allclose(mixed["p_EC"], expected, rtol=1e-6)
    with pytest.raises(InputError, match="the same objects"):
        mix(one, other.head(5), 0.5)
