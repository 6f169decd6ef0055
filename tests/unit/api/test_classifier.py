"""Classifiers of light curves: fitting, prediction, files, and labels that do not fit."""

import numpy as np
import pandas as pd
import polars as pl
import pytest

import astromer
from astromer.api.classifier import _embedded
from astromer.api.labels import read_labels
from astromer.api.light_curves import read_curves
from astromer.config.datasets import PROBE_ARRAYS
from astromer.errors import InputError
from astromer.evaluation.classical import fit_classical, object_vectors
from astromer.models.heads import build_head
from astromer.models.weights import save_model, save_pretrained
from astromer.splits.draw import validation_stars


@pytest.fixture(scope="module")
def fitted(columns, kinds, small_v3):
    return astromer.fit_classifier(columns, kinds, small_v3)


def probabilities(table):
    return pl.DataFrame(table).select(pl.col("^p_.*$")).to_numpy()


def test_the_default_is_the_probe_of_the_workflow(fitted, columns, kinds, small_v3):
    curves = read_curves(columns)
    codes, classes = read_labels(kinds, curves.ids)
    vectors = object_vectors(_embedded(small_v3, curves, codes, PROBE_ARRAYS))
    expected = fit_classical("logistic", vectors, vectors, classes, seed=0).predictions
    found = fitted.predict_proba(columns)
    assert found.columns == ["id", "p_long", "p_short"]
    expected = expected.with_columns(id=curves.ids.gather(expected["id"].cast(pl.Int64)))
    found = found.join(expected, on="id", suffix="_of_workflow")
    for name in classes:
        np.testing.assert_allclose(found[f"p_{name}"], found[f"p_{name}_of_workflow"], atol=1e-4)


def test_it_learns_and_returns_what_it_was_given(fitted, columns, kinds):
    table = fitted.predict(pd.DataFrame(columns))
    assert isinstance(table, pd.DataFrame)
    assert list(table["id"]) == list(kinds)
    assert (table["class"] == [kinds[name] for name in table["id"]]).mean() > 0.9
    assert fitted.classes == ("long", "short")


def test_a_saved_classifier_predicts_the_same(fitted, columns, tmp_path):
    fitted.save(tmp_path / "saved")
    loaded = astromer.Classifier.load(tmp_path / "saved")
    np.testing.assert_array_equal(
        probabilities(loaded.predict_proba(columns)), probabilities(fitted.predict_proba(columns))
    )
    (tmp_path / "saved/head.keras").write_bytes(b"damaged")
    with pytest.raises(InputError, match=r"head\.keras: not a complete Keras model"):
        astromer.Classifier.load(tmp_path / "saved")
    with pytest.raises(InputError, match=r"classifier\.json: cannot be read"):
        astromer.Classifier.load(tmp_path)


@pytest.mark.parametrize("head", [None, "max", "att_cls"])
def test_a_head_with_the_encoder_of_another_is_refused(head, fitted, tmp_path):
    fitted.save(tmp_path)
    if head:
        save_model(build_head(head, num_levels=2, dim=8, num_classes=2, hidden=()), tmp_path / "head.keras")
    other = astromer.build({"architecture": "v3", "num_blocks": 2, "num_heads": 2, "head_dim": 8})
    config = fitted.pretrained.config.model_copy(update={"num_blocks": 2, "feedforward_dim": 256})
    save_pretrained(other, config, tmp_path / "encoder")
    with pytest.raises(InputError, match=r"the head reads .*, its encoder has"):
        astromer.Classifier.load(tmp_path)


@pytest.mark.parametrize("head", ["linear", "att_avg"])
def test_heads_of_the_workflow_are_trained(head, stars, kinds, small_v3):
    classifier = astromer.fit_classifier(stars, list(kinds.values()), small_v3, head=head, training={"epochs": 2})
    table = classifier.predict_proba(stars)
    assert table["id"].to_list() == list(range(24))
    np.testing.assert_allclose(probabilities(table).sum(axis=1), 1.0, atol=1e-5)


def test_finetuning_changes_a_copy_of_the_encoder(columns, kinds, small_v3):
    before = [value.copy() for value in small_v3.model.get_weights()]
    tuned = astromer.fit_classifier(columns, kinds, small_v3, finetune={"epochs": 3, "learning_rate": 0.003})
    after = tuned.pretrained.model.get_weights()
    assert any(not np.array_equal(*pair) for pair in zip(before, after, strict=True))
    assert all(np.array_equal(*pair) for pair in zip(before, small_v3.model.get_weights(), strict=True))


def test_validation_stars_are_a_fifth_of_each_class_and_do_not_depend_on_the_order(kinds):
    ids, classes = pl.Series(list(kinds)), pl.Series(list(kinds.values()))
    chosen = set(ids.filter(validation_stars(ids, classes, seed=1)))
    assert [kinds[name] for name in sorted(chosen)].count("long") == len(chosen) / 2 == 2
    backwards = ids.reverse().filter(validation_stars(ids.reverse(), classes.reverse(), seed=1))
    assert set(backwards) == chosen


# Labels


@pytest.mark.parametrize(
    "labels",
    [
        {"a": "x", "c": "y"},
        pd.Series({"c": "y", "a": "x", "b": None}),
        pd.DataFrame({"id": ["c", "a", "b"], "class": ["y", "x", np.nan]}),
        pl.DataFrame({"id": ["c", "a"], "class": ["y", "x"]}),
        ["x", None, "y"],
        ["x", pd.NA, "y"],
        pd.Series(["x", pd.NA, "y"], ["a", "b", "c"], dtype="string"),
    ],
)
def test_labels_of_every_kind(labels):
    codes, classes = read_labels(labels, pl.Series(["a", "b", "c"]))
    assert codes.tolist() == [0, -1, 1]
    assert classes == ("x", "y")


def test_numbers_are_classes_and_nan_is_none():
    codes, classes = read_labels(
        pl.DataFrame({"id": ["a", "b", "c"], "class": [1.0, np.nan, 2.0]}), pl.Series(list("abc"))
    )
    assert (codes.tolist(), classes) == ([0, -1, 1], ("1.0", "2.0"))


def test_the_index_of_a_shuffled_series_is_not_taken_for_positions():
    shuffled = pd.Series(["x", "y", "x"], index=[2, 0, 1])
    with pytest.raises(InputError, match=r"expected labels\.to_numpy\(\)"):
        read_labels(shuffled, pl.Series([0, 1, 2]), are_positions=True)
    assert read_labels(shuffled, pl.Series([0, 1, 2]))[0].tolist() == [1, 0, 0], "ids of a table"
    assert read_labels(shuffled.sort_index(), pl.Series([0, 1, 2]), are_positions=True)[0].tolist() == [1, 0, 0]


def test_the_random_numbers_of_the_caller_go_on(columns, kinds, small_v3):
    np.random.seed(5)  # noqa: NPY002  # the state that Keras sets
    expected = np.random.random(2)  # noqa: NPY002
    np.random.seed(5)  # noqa: NPY002
    assert np.random.random() == expected[0]  # noqa: NPY002
    astromer.fit_classifier(columns, kinds, small_v3, head="linear", training={"epochs": 1})
    assert np.random.random() == expected[1]  # noqa: NPY002


def test_options_that_the_default_does_not_have_are_refused(columns, kinds, small_v3):
    with pytest.raises(InputError, match="training: the head `logistic` has no options"):
        astromer.fit_classifier(columns, kinds, small_v3, training={"epochs": 1})


@pytest.mark.parametrize(
    ("labels", "named"),
    [
        ({"a": "x", "d": "y"}, "1 stars have no light curve, such as 'd'"),
        (["x", "y"], "there are 2 for 3 light curves"),
        ({"a": "x", "b": "x"}, r"the classes are \['x'\]; expected at least 2"),
        (pl.DataFrame({"id": ["a", "a"], "class": ["x", "y"]}), "star 'a' has two classes"),
        (
            pl.DataFrame({"id": ["a"], "label": ["x"]}),
            "no column 'class'; the columns are id, label; rename 'label' if",
        ),
        ({1: "x", 2: "y"}, "their ids are Int64, those of the light curves String"),
        ({"a": "x", 2: "y"}, "their ids are of several kinds"),
    ],
)
def test_wrong_labels_are_named(labels, named):
    with pytest.raises(InputError, match=named):
        read_labels(labels, pl.Series(["a", "b", "c"]))


def test_a_class_of_one_star_is_an_error(columns, kinds, small_v3):
    with pytest.raises(InputError, match=r"at least 3 stars of each class; too few in rare \(1\)"):
        astromer.fit_classifier(columns, kinds | {"star 3": "rare"}, small_v3)
    with pytest.raises(InputError, match=r"head is 'lineal'; .* did you mean linear"):
        astromer.fit_classifier(columns, kinds, small_v3, head="lineal")
