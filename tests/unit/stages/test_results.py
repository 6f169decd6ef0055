"""Predictions, scores and further tables of several classifiers, in one file each."""

import numpy as np
import polars as pl
import pytest

from astromer.evaluation.predictions import predictions_table, read_predictions
from astromer.evaluation.scores import METRICS_SCHEMA, read_metrics
from astromer.stages.results import Results, read_embeddings

CLASSES = ["EC", "RRab"]
TAGS = {"run": "test", "encoder": "v2", "state": "finetuned", "dataset": "sky", "fold": 2, "data": "real"}


def predictions(right: bool) -> pl.DataFrame:
    probabilities = np.eye(2)[[0, 1] if right else [1, 0]]
    return predictions_table(["a", "b"], np.zeros(2), np.array([0, 1]), probabilities, CLASSES)


def test_files_hold_all_classifiers(tmp_path):
    results = Results(CLASSES, TAGS)
    curves = pl.DataFrame({"epoch": [1, 2], "loss": [0.5, 0.4]})
    results.add("skip", "head", 20, {"validation": predictions(False), "test": predictions(True)}, history=curves)
    more = curves.with_columns(val_loss=pl.lit(0.3))
    results.add("skip", "head", 100, {"test": predictions(False)}, history=more)
    results.add("logistic", "probe", 100, {"test": predictions(True)})
    results.write(tmp_path / "new folder")

    file = tmp_path / "new folder/predictions.parquet"
    for model, spc, subset, right in [
        ("skip", 20, "validation", False),
        ("skip", 20, "test", True),
        ("skip", 100, "test", False),
        ("logistic", 100, "test", True),
    ]:
        assert read_predictions(file, CLASSES, model=model, spc=spc, subset=subset).equals(predictions(right))

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


@pytest.mark.parametrize("finetuned", [False, True])
def test_vectors_of_a_finetuned_encoder_depend_on_the_spc(tmp_path, finetuned):
    one, other = (pl.DataFrame({"id": ["a", "b"], "mean": [value, value]}) for value in (1.0, 2.0))
    tables = [(20, one), (100, other)]
    several = pl.concat(table.select(pl.lit(spc).alias("spc"), pl.all()) for spc, table in tables)
    (several if finetuned else one).write_parquet(tmp_path / "embeddings.parquet")
    read = read_embeddings(tmp_path / "embeddings.parquet", [20, 100])
    assert read[20].equals(one)
    assert read[100].equals(other if finetuned else one)
