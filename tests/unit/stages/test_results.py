"""Predictions, scores and further tables of several classifiers, in one file each."""

import numpy as np
import polars as pl
import pytest

from astromer.evaluation.predictions import predictions_table, read_predictions
from astromer.evaluation.scores import METRICS_SCHEMA, read_metrics
from astromer.stages.results import Results, read_embeddings

CLASSES = ["EC", "RRab"]
TAGS = {"run": "test", "encoder": "v2", "state": "finetuned", "dataset": "sky", "data": "real"}


def predictions(right: bool) -> pl.DataFrame:
    probabilities = np.eye(2)[[0, 1] if right else [1, 0]]
    return predictions_table(["a", "b"], np.zeros(2), np.array([0, 1]), probabilities, CLASSES)


def test_files_hold_all_classifiers(tmp_path):
    results = Results(CLASSES, TAGS)
    curves = pl.DataFrame({"epoch": [1, 2], "loss": [0.5, 0.4]})
    about = {"fold": 2, "seed": 0}
    both = {"validation": predictions(False), "test": predictions(True)}
    results.add("skip", "head", both, spc=20, **about, history=curves)
    more = curves.with_columns(val_loss=pl.lit(0.3))
    results.add("skip", "head", {"test": predictions(False)}, spc=100, **about, history=more)
    results.add("logistic", "probe", {"test": predictions(True)}, spc=100, **about)
    results.write(tmp_path / "new folder")

    file = tmp_path / "new folder/predictions.parquet"
    for model, spc, subset, right in [
        ("skip", 20, "validation", False),
        ("skip", 20, "test", True),
        ("skip", 100, "test", False),
        ("logistic", 100, "test", True),
    ]:
        found = read_predictions(file, CLASSES, model=model, fold=2, spc=spc, subset=subset)
        assert found.equals(predictions(right))

    metrics = read_metrics(tmp_path / "new folder/metrics.csv")
    assert metrics.columns == list(METRICS_SCHEMA)
    chosen = metrics.filter((pl.col("level") == "object") & (pl.col("metric") == "accuracy"))
    scores = chosen.select("model", "kind", "spc", "fold", "state", "value").rows()
    assert scores == [
        ("skip", "head", 20, 2, "finetuned", 1.0),
        ("skip", "head", 100, 2, "finetuned", 0.0),
        ("logistic", "probe", 100, 2, "finetuned", 1.0),
    ]

    history = pl.read_csv(tmp_path / "new folder/history.csv")
    assert history.select("model", "spc", "epoch", "val_loss").rows() == [
        ("skip", 20, 1, None),
        ("skip", 20, 2, None),
        ("skip", 100, 1, 0.3),
        ("skip", 100, 2, 0.3),
    ]


def test_probabilities_are_calibrated_where_there_are_objects_for_it(tmp_path):
    results = Results(CLASSES, TAGS, temperature=True, coverage=0.5)
    wrong, right = predictions(False), predictions(True)
    about = {"fold": 0, "spc": 20, "seed": 0}
    validation = pl.concat([right, wrong.with_columns(id=pl.col("id") + "2")])
    results.add("skip", "head", {"validation": validation, "test": right}, **about)
    results.add("logistic", "probe", {"test": right}, **about)
    results.write(tmp_path)
    metrics = read_metrics(tmp_path / "metrics.csv").filter(pl.col("level") == "object")
    found = {(row["model"], row["metric"]): row["value"] for row in metrics.iter_rows(named=True)}
    assert {model for model, metric in found if metric in ("temperature", "coverage")} == {"skip"}
    assert found["skip", "ece"] == found["logistic", "ece"] == 0
    assert found["skip", "ece_scaled"] > 0.25  # half of the validation was wrong, so that the right test is doubted
    assert found["skip", "temperature"] > 1
    assert found["skip", "accuracy"] == 1


@pytest.mark.parametrize("finetuned", [False, True])
def test_vectors_of_a_finetuned_encoder_depend_on_fold_and_spc(tmp_path, finetuned):
    one, other = (pl.DataFrame({"id": ["a", "b"], "mean": [value, value]}) for value in (1.0, 2.0))
    tables = {(0, 20): one, (0, 100): other, (1, 20): other, (1, 100): one}
    several = pl.concat(
        table.select(pl.lit(fold).alias("fold"), pl.lit(spc).alias("spc"), pl.all())
        for (fold, spc), table in tables.items()
    )
    (several if finetuned else one).write_parquet(tmp_path / "embeddings.parquet")
    read = list(read_embeddings(tmp_path / "embeddings.parquet", [0, 1], [20, 100]))
    assert [(fold, spc) for fold, spc, _ in read] == list(tables)
    for fold, spc, table in read:
        assert table.equals(tables[fold, spc] if finetuned else one)
