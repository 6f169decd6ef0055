"""Heads of one fold: what they leave behind, also if the job was killed on the way."""

import os
import signal
import subprocess
from pathlib import Path

import polars as pl
import pytest
import small_dataset
import warm_python
from small_dataset import CLASSES, SPC, TAGS, train, write_embeddings, write_split

from astromer.errors import InputError
from astromer.evaluation.predictions import read_predictions
from astromer.evaluation.scores import read_metrics

ROOT = Path(__file__).resolve().parents[3]
TABLES = ("predictions.parquet", "metrics.csv", "history.csv")


@pytest.fixture
def folder(tmp_path):
    write_split(tmp_path / "split.parquet")
    write_embeddings(tmp_path / "embeddings.parquet")
    return tmp_path


def test_each_head_and_spc_is_trained_and_scored(folder):
    train(folder)
    sets = pl.read_parquet(folder / "split.parquet").filter(pl.col("fold") == 0)
    for model in ("skip", "msx"):
        for spc in SPC:
            assert (folder / f"heads/models/fold0/spc{spc}/seed0/{model}.keras").exists()
            for subset, size in (("test", None), ("validation", spc)):
                found = read_predictions(
                    folder / "heads/predictions.parquet", CLASSES, model=model, fold=0, spc=spc, subset=subset
                )
                expected = sets.filter((pl.col("subset") == subset) & pl.col("spc").eq_missing(size))
                assert set(found["id"]) == set(expected["id"])
                assert len(found) == 2 * len(expected)
    metrics = read_metrics(folder / "heads/metrics.csv")
    chosen = (pl.col("level") == "object") & (pl.col("metric") == "accuracy")
    scores = metrics.filter(chosen).sort("model", "spc")
    assert scores.select("model", "spc").rows() == [("msx", 10), ("msx", 20), ("skip", 10), ("skip", 20)]
    assert scores["value"].min() > 0.9
    assert set(metrics["state"]) == {"frozen"}
    assert pl.read_csv(folder / "heads/history.csv").group_by("model", "spc").len()["len"].to_list() == [20] * 4
    assert not (folder / "state").exists()


def test_each_fold_and_seed_is_trained(folder):
    train(folder, heads={"msx": {"head": "msx", **small_dataset.HEAD}}, folds=[0, 1], spc=[10], seeds=[3, 4])
    keys = ["fold", "seed"]
    expected = [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert read_metrics(folder / "heads/metrics.csv").select(keys).unique().sort(keys).rows() == expected
    found = {
        key: read_predictions(
            folder / "heads/predictions.parquet", CLASSES, model="msx", spc=10, fold=key[0], seed=key[1]
        )
        for key in expected
    }
    assert set(found[0, 0]["id"]) == set(found[0, 1]["id"]) != set(found[1, 0]["id"])
    assert not found[0, 0].equals(found[0, 1])


def test_killed_job_ends_with_the_files_of_an_unbroken_one(folder, tmp_path):
    unbroken = tmp_path / "unbroken"
    unbroken.mkdir()
    for name in ("split.parquet", "embeddings.parquet"):
        (unbroken / name).write_bytes((folder / name).read_bytes())
    train(unbroken)
    command = [warm_python.executable(), small_dataset.__file__, str(folder)]
    killed = subprocess.run(command, check=False, env=os.environ | {"PYTHONPATH": str(ROOT)})
    assert killed.returncode == -signal.SIGKILL
    assert not [name for name in TABLES if (folder / "heads" / name).exists()]
    train(folder)
    for name in TABLES:
        assert (folder / "heads" / name).read_bytes() == (unbroken / "heads" / name).read_bytes()


def test_a_finetuned_encoder_is_another_one_for_each_spc(folder):
    """The embeddings of the smaller SPC hold the classes, those of the larger one nothing."""
    tables = [
        small_dataset.embeddings(signal_to_noise=strength).select(
            pl.lit(0).alias("fold"), pl.lit(spc).alias("spc"), pl.all()
        )
        for spc, strength in zip(SPC, (5.0, 0.0), strict=True)
    ]
    pl.concat(tables).write_parquet(folder / "embeddings.parquet")
    train(folder, tags={**TAGS, "encoder": "v2", "state": "finetuned"})
    chosen = (pl.col("level") == "object") & (pl.col("metric") == "accuracy") & (pl.col("model") == "skip")
    scores = dict(read_metrics(folder / "heads/metrics.csv").filter(chosen).select("spc", "value").iter_rows())
    assert scores[10] > 0.9
    assert scores[20] < 0.8


def test_embeddings_that_lack_an_object_are_refused(folder):
    small_dataset.embeddings().filter(pl.col("id") != "star 03").write_parquet(folder / "embeddings.parquet")
    with pytest.raises(InputError, match="1 objects have no row, such as star 03"):
        train(folder)
