"""The claims of a run: which are made, and what they compare."""

import numpy as np
import polars as pl
import pytest

from astromer.evaluation.predictions import of_classifier, predictions_table
from astromer.stages.claims import write_claims

CLASSES = ["EC", "LPV", "RRab"]
SHAPE = {"num_blocks": 2}
ENCODERS = {
    "new": {"architecture": "v2", "definition": SHAPE, "untrained": False},
    "random": {"architecture": "v2", "definition": SHAPE, "untrained": True},
    "old": {"architecture": "v1", "definition": "weights", "untrained": False},
}


def predictions(accuracy: float, seed: int) -> pl.DataFrame:
    """Predictions for 90 objects, of which this fraction is right."""
    rng = np.random.default_rng(seed)
    labels = np.arange(90) % 3
    decided = np.where(rng.random(90) < accuracy, labels, (labels + 1) % 3)
    return predictions_table([f"star {i:02d}" for i in range(90)], np.zeros(90), labels, np.eye(3)[decided], CLASSES)


@pytest.fixture
def claims(tmp_path):
    """The claims of two folds and SPC 20 and 100, where `new` is good, `old` better with 100, and the rest is poor."""
    accuracies = {("new", "skip"): 0.9, ("random", "skip"): 0.4, ("old", "skip"): 0.7, (None, "raw_gru"): 0.9}
    paths, sources = [], []
    for (encoder, model), accuracy in accuracies.items():
        tables = [
            of_classifier(predictions(accuracy, 7 * fold + spc), model=model, fold=fold, spc=spc)
            for fold in (0, 1)
            for spc in (20, 100)
        ]
        paths.append(tmp_path / f"{encoder}.parquet")
        pl.concat(tables).write_parquet(paths[-1])
        sources.append({"encoder": encoder, "state": "frozen" if encoder else None, "dataset": "alcock"})
    write_claims(
        paths,
        tmp_path / "claims.csv",
        sources=sources,
        encoders=ENCODERS,
        datasets={"alcock": {"classes": CLASSES, "spc": [20, 100], "folds": 2, "seeds": 1}},
        head="skip",
        seed=1,
    )
    return pl.read_csv(tmp_path / "claims.csv")


def test_each_claim_has_a_verdict(claims):
    verdicts = {(row["claim"], row["first"], row["first_spc"]): row["verdict"] for row in claims.iter_rows(named=True)}
    assert verdicts["pretraining above random weights", "new (frozen) + skip", 20] == "holds"
    assert verdicts["newer encoder above Astromer 1", "new (frozen) + skip", 100] == "holds"
    assert verdicts["encoder above raw input", "new (frozen) + skip", 20] != "holds"
    assert verdicts["encoder above raw input", "old (frozen) + skip", 20] == "does not hold"


def test_few_samples_are_compared_with_many(claims):
    row = claims.row(by_predicate=pl.col("first_spc") != pl.col("second_spc"), named=True)
    assert (row["first"], row["first_spc"]) == ("new (frozen) + skip", 20)
    assert (row["second"], row["second_spc"]) == ("old (frozen) + skip", 100)
    assert row["low"] <= row["difference"] <= row["high"]
    assert (row["folds"], row["objects"]) == (2, 90)


def test_a_claim_without_its_classifiers_has_no_row(claims):
    assert not claims["claim"].str.contains("finetuning|features|statistics").any()
