"""Scores per window and per object, confusion matrices, and averages over folds."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score, precision_score, recall_score

from astromer.errors import InputError
from astromer.evaluation.predictions import (
    check_predictions,
    of_classifier,
    pool_objects,
    predictions_table,
    read_predictions,
)
from astromer.evaluation.scores import (
    METRICS_SCHEMA,
    confusion,
    confusion_summary,
    read_metrics,
    score_predictions,
    summarise,
    tag_scores,
)

CLASSES = ["EC", "LPV", "RRab"]


def table(rows: list[tuple[str, int, int, list[float]]]) -> pl.DataFrame:
    ids, windows, labels, probabilities = zip(*rows, strict=True)
    return predictions_table(ids, windows, labels, np.array(probabilities), CLASSES)


def value(scores: pl.DataFrame, level: str, metric: str, name: str | None = None) -> float:
    return scores.row(by_predicate=_where(level, metric, name), named=True)["value"]


def _where(level, metric, name):
    return (pl.col("level") == level) & (pl.col("metric") == metric) & pl.col("class").eq_missing(name)


@pytest.fixture
def two_levels() -> pl.DataFrame:
    """Object a: two of three windows are wrong, but their mean is right. Object b is right, c is never right."""
    return table(
        [
            ("a", 0, 0, [0.9, 0.1, 0.0]),
            ("a", 200, 0, [0.4, 0.6, 0.0]),
            ("a", 250, 0, [0.45, 0.55, 0.0]),
            ("b", 0, 1, [0.2, 0.7, 0.1]),
            ("c", 0, 2, [0.1, 0.8, 0.1]),
        ]
    )


def test_windows_and_objects_are_scored_apart(two_levels):
    scores = score_predictions(two_levels, CLASSES)
    assert value(scores, "window", "accuracy") == pytest.approx(2 / 5)
    assert value(scores, "object", "accuracy") == pytest.approx(2 / 3)
    assert value(scores, "object", "recall", "EC") == 1.0
    assert value(scores, "window", "recall", "EC") == pytest.approx(1 / 3)
    counts = scores.filter(pl.col("metric") == "accuracy")["count"].to_list()
    assert counts == [5, 3]


def test_a_class_never_predicted_counts_as_zero(two_levels):
    scores = score_predictions(two_levels, CLASSES)
    assert value(scores, "object", "f1", "RRab") == 0.0
    assert value(scores, "object", "f1") == pytest.approx((1 + 2 / 3 + 0) / 3)


def test_pooling_is_the_mean_of_the_windows_in_any_order(two_levels):
    pooled = pool_objects(two_levels)
    assert pooled["id"].to_list() == ["a", "b", "c"]
    expected = two_levels.filter(pl.col("id") == "a")["p_EC"].cast(pl.Float64).mean()
    assert pooled["p_EC"][0] == pytest.approx(expected, abs=1e-12)
    assert pool_objects(two_levels.reverse()).equals(pooled)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 60), st.integers(0, 2**32 - 1))
def test_scores_equal_scikit_learn(num_windows, seed):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 3, num_windows)
    probabilities = rng.dirichlet(np.ones(3), num_windows).astype(np.float32)
    predictions = predictions_table([f"o{i}" for i in range(num_windows)], labels * 0, labels, probabilities, CLASSES)
    scores = score_predictions(predictions, CLASSES)
    guess = probabilities.argmax(axis=1)
    kwargs = {"labels": [0, 1, 2], "average": "macro", "zero_division": 0}
    for level in ("window", "object"):
        assert value(scores, level, "f1") == pytest.approx(f1_score(labels, guess, **kwargs))
        assert value(scores, level, "precision") == pytest.approx(precision_score(labels, guess, **kwargs))
        assert value(scores, level, "recall") == pytest.approx(recall_score(labels, guess, **kwargs))
        assert value(scores, level, "accuracy") == pytest.approx(accuracy_score(labels, guess))
    counts = confusion_matrix(labels, guess, labels=[0, 1, 2])
    matrix = confusion(predictions, CLASSES)
    present = counts.sum(axis=1) > 0
    np.testing.assert_allclose(matrix[present], counts[present] / counts[present].sum(axis=1, keepdims=True))
    assert np.isnan(matrix[~present]).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.with_columns(label=pl.lit(3, pl.Int32)), "label 3, expected 0 to 2"),
        (lambda t: t.with_columns(label=pl.lit(-1, pl.Int32)), "label -1"),
        (lambda t: t.with_columns(p_EC=pl.lit(float("nan"), pl.Float32)), "finite"),
        (lambda t: t.with_columns(p_EC=pl.lit(None, pl.Float32)), "empty cells"),
        (lambda t: t.head(0), "no rows"),
        (lambda t: pl.concat([t, t.head(1)]), "once"),
        (
            lambda t: t.with_columns(label=pl.Series([0, 1, 0, 1, 2], dtype=pl.Int32)),
            "object a has more than one label",
        ),
        (lambda t: t.select("id", "window", "label", "p_LPV", "p_EC", "p_RRab"), "columns"),
        (lambda t: t.drop("p_EC"), "columns"),
    ],
)
def test_tables_that_cannot_be_scored_are_refused(two_levels, change, message):
    with pytest.raises(InputError, match=message):
        check_predictions(change(two_levels), CLASSES)


def test_probabilities_of_the_wrong_shape_are_refused():
    with pytest.raises(InputError, match="shape"):
        predictions_table(["a"], [0], [0], np.ones((1, 2)), CLASSES)


def test_unknown_level_is_refused(two_levels):
    with pytest.raises(InputError, match="level"):
        confusion(two_levels, CLASSES, level="night")


def test_predictions_file_round_trip_and_error_names_the_file(tmp_path, two_levels):
    path = tmp_path / "predictions [1].parquet"
    keys = [("skip", 20, "test"), ("skip", 20, "validation"), ("skip", 100, "test"), ("avg", 20, "test")]
    tables = [two_levels.with_columns(p_EC=pl.lit(number, pl.Float32)) for number in range(len(keys))]
    named = [
        of_classifier(table, model=model, fold=0, spc=spc, subset=subset)
        for table, (model, spc, subset) in zip(tables, keys, strict=True)
    ]
    pl.concat(named).write_parquet(path)
    for table, (model, spc, subset) in zip(tables, keys, strict=True):
        assert read_predictions(path, CLASSES, model=model, fold=0, spc=spc, subset=subset).equals(table)
    assert read_predictions(path, CLASSES, model="skip", fold=0, spc=20).equals(tables[0])
    with pytest.raises(
        InputError, match=r"predictions \[1\]\.parquet: skip, fold 0, 20 samples per class, seed 0, test: .*columns"
    ):
        read_predictions(path, CLASSES[::-1], model="skip", fold=0, spc=20)
    with pytest.raises(
        InputError, match=r"predictions \[1\]\.parquet: avg, fold 0, 100 samples per class, seed 0, test: .*no rows"
    ):
        read_predictions(path, CLASSES, model="avg", fold=0, spc=100)
    two_levels.write_parquet(path)
    with pytest.raises(InputError, match=r"predictions \[1\]\.parquet"):
        read_predictions(path, CLASSES, model="skip", fold=0, spc=20)


def metrics_of(folds, model="skip", kind="head", spc=20, dataset="alcock", seed=0):
    """Rows of the metrics table with macro F1 0.5, 0.6, 0.7... in the folds, and 0.02 more for each seed."""
    parts = []
    for fold in folds:
        scores = pl.DataFrame(
            [("object", "f1", None, 0.5 + 0.1 * fold + 0.02 * seed, 100 + fold)],
            schema={name: METRICS_SCHEMA[name] for name in ("level", "metric", "class", "value", "count")},
            orient="row",
        )
        encoder, state = ("v2", "frozen") if kind == "head" else (None, None)
        tags = {
            "dataset": dataset,
            "fold": fold,
            "spc": spc,
            "seed": seed,
            "model": model,
            "kind": kind,
            "data": "simulated",
        }
        parts.append(tag_scores(scores, run="demo", encoder=encoder, state=state, **tags))
    return pl.concat(parts)


def test_summary_has_mean_and_sample_deviation():
    row = summarise(metrics_of([2, 0, 1]), {"alcock": range(3)}).row(0, named=True)
    assert row["mean"] == pytest.approx(0.6)
    assert row["std"] == pytest.approx(np.std([0.5, 0.6, 0.7], ddof=1))
    assert (row["folds"], row["count_min"], row["count_max"]) == (3, 100, 102)


def test_seeds_have_a_deviation_of_their_own():
    row = summarise(pl.concat(metrics_of([0, 1], seed=seed) for seed in (1, 0)), {"alcock": [0, 1]}).row(0, named=True)
    assert row["mean"] == pytest.approx(0.56)
    assert row["std"] == pytest.approx(np.std([0.51, 0.61], ddof=1))
    assert row["std_seeds"] == pytest.approx(np.std([0.5, 0.52], ddof=1))
    assert (row["folds"], row["seeds"]) == (2, 2)
    with pytest.raises(InputError, match="expected the same seeds in all folds"):
        summarise(pl.concat([metrics_of([0, 1]), metrics_of([0], seed=1)]), {"alcock": [0, 1]})


def test_one_fold_has_no_deviation():
    assert summarise(metrics_of([0]), {"alcock": [0]})["std"].to_list() == [None]


def test_groups_are_kept_apart():
    parts = [metrics_of([0, 1]), metrics_of([0, 1], "raw_gru", "baseline"), metrics_of([0, 1], spc=100)]
    summary = summarise(pl.concat(parts), {"alcock": [0, 1]})
    assert len(summary) == 3
    assert summary.filter(pl.col("kind") == "baseline")["encoder"].to_list() == [None]


@pytest.mark.parametrize(
    ("folds", "expected"),
    [([0, 1], {"alcock": range(3)}), ([0, 1, 1], {"alcock": [0, 1]}), ([0, 1, 3], {"alcock": range(3)})],
    ids=["missing", "twice", "unexpected"],
)
def test_folds_other_than_the_expected_ones_are_an_error(folds, expected):
    rows = pl.concat([metrics_of([0, 1, 2][: len(expected["alcock"])], "max"), metrics_of(folds)])
    with pytest.raises(
        InputError, match=r"alcock, 20 samples per class, v2, skip \(f1\): expected the (folds|same seeds)"
    ):
        summarise(rows, expected)


def test_a_dataset_without_rows_and_a_value_that_is_no_number_are_errors():
    with pytest.raises(InputError, match=r"expected the datasets \['alcock', 'atlas'\]"):
        summarise(metrics_of([0]), {"alcock": [0], "atlas": [0]})
    with pytest.raises(InputError, match="finite"):
        summarise(metrics_of([0]).with_columns(value=pl.lit(float("nan"))), {"alcock": [0]})


def test_metrics_file_round_trip(tmp_path, two_levels):
    scores = score_predictions(two_levels, CLASSES)
    tags = {"run": "1", "dataset": "7", "fold": 0, "spc": 20, "model": "raw_gru", "kind": "baseline", "data": "real"}
    rows = tag_scores(scores, encoder=None, state=None, **tags)
    rows.write_csv(tmp_path / "metrics.csv")
    assert read_metrics(tmp_path / "metrics.csv").equals(rows)
    rows.drop("encoder").write_csv(tmp_path / "other.csv")
    with pytest.raises(InputError, match=r"other\.csv"):
        read_metrics(tmp_path / "other.csv")


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "model"},
        {"data": "fake"},
        {"encoder": None},
        {"state": None},
        {"state": "thawed"},
        {"encoder": None, "state": None},
        {"kind": "classical"},
    ],
)
def test_wrong_tags_are_refused(two_levels, wrong):
    tags = {"run": "demo", "encoder": "v2", "state": "frozen", "dataset": "d", "fold": 0, "spc": 20, "data": "real"}
    with pytest.raises(InputError, match="d/skip"):
        tag_scores(score_predictions(two_levels, CLASSES), **{**tags, "model": "skip", "kind": "head", **wrong})


def test_frozen_and_finetuned_encoders_are_different_classifiers():
    frozen = metrics_of([0, 1])
    finetuned = frozen.with_columns(state=pl.lit("finetuned"))
    assert summarise(pl.concat([frozen, finetuned]), {"alcock": [0, 1]})["state"].to_list() == ["finetuned", "frozen"]


def test_confusion_summary_keeps_a_class_without_objects_empty():
    folds = np.stack([np.eye(3), np.full((3, 3), 1 / 3)])
    folds[1, 2] = np.nan
    summary = confusion_summary({20: folds, 5: folds[:1]}, CLASSES)
    assert summary["spc"].unique().sort().to_list() == [5, 20]
    cell = summary.row(by_predicate=(pl.col("spc") == 20) & (pl.col("true") == "EC") & (pl.col("predicted") == "LPV"))
    assert cell[3:] == (pytest.approx(1 / 6), pytest.approx(np.std([0, 1 / 3], ddof=1)), 2)
    assert summary.filter(pl.col("true") == "RRab", pl.col("spc") == 20)["mean"].null_count() == 3
    assert summary.filter(pl.col("spc") == 5)["std"].null_count() == 9
