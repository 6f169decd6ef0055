"""Heads that are trained together with their encoder."""

import keras
import numpy as np
import polars as pl
from example_records import CLASSES, small_config, small_reconstructor, write_stars

from astromer.evaluation.predictions import read_predictions
from astromer.evaluation.scores import read_metrics
from astromer.models.weights import load_pretrained, save_pretrained
from astromer.stages.end_to_end import train_end_to_end

TAGS = {"run": "test", "encoder": "v3", "state": "frozen", "dataset": "sky", "data": "simulated"}
HEAD = {"variant": "paper", "standardise": None, "hidden_units": [4]}


def test_encoder_and_head_learn_together(tmp_path):
    records = write_stars(tmp_path / "stars.tfrecord")
    save_pretrained(small_reconstructor("v3"), small_config("v3"), tmp_path / "pretrained")
    train_end_to_end(
        [tmp_path / "pretrained/model.weights.h5"],
        [records] * 2,
        [records] * 2,
        [records] * 2,
        tmp_path / "trained",
        heads={"msx": {"head": "msx", **HEAD}},
        folds=[0, 1],
        spc=[20],
        seeds=[1],
        classes=CLASSES,
        window=50,
        weighting="objects",
        training={"learning_rate": 0.01, "batch_size": 8, "epochs": 2, "patience": 2},
        state=str(tmp_path / "state"),
        tags=TAGS,
    )
    metrics = read_metrics(tmp_path / "trained/metrics.csv")
    assert metrics.select("model", "fold").unique().sort("fold").rows() == [("msx", 0), ("msx", 1)]
    table = read_predictions(tmp_path / "trained/predictions.parquet", CLASSES, model="msx", fold=1, spc=20)
    assert table["id"].n_unique() == 8
    trained = keras.models.load_model(tmp_path / "trained/models/fold0/spc20/seed0/msx.keras")
    before = load_pretrained(tmp_path / "pretrained").model.get_layer("encoder").get_weights()
    after = trained.get_layer("encoder").get_weights()
    assert not all(np.array_equal(one, other) for one, other in zip(before, after, strict=True))
    assert pl.read_csv(tmp_path / "trained/history.csv").height == 2 * 2
