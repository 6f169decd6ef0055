"""The tables of a run, on made-up predictions."""

from pathlib import Path

import nbformat
import numpy as np
import polars as pl
import pytest

from astromer.errors import InputError
from astromer.evaluation.predictions import of_classifier, predictions_table
from astromer.evaluation.published import published
from astromer.evaluation.scores import score_predictions, tag_scores
from astromer.stages.figures import draw_figure
from astromer.stages.tables import finetuning_table, read_finetunings, write_tables

NOTEBOOK = Path(__file__).resolve().parents[3] / "notebooks/results.ipynb"
CLASSES = ["CB", "DB", "Mira", "Other", "Pulse"]
FOLDS = 2
ENCODERS = {
    "old": {"architecture": "v1", "untrained": False},
    "new": {"architecture": "v2", "untrained": False},
    "random": {"architecture": "v2", "untrained": True},
    "ours": {"architecture": "v3", "untrained": False},
}
CLASSIFIERS = [
    ("old", "frozen", "avg", "head"),
    ("new", "finetuned", "skip", "head"),
    ("new", "frozen", "skip", "head"),
    ("new", "finetuned", "pool", "head"),
    ("random", "frozen", "skip", "head"),
    ("ours", "frozen", "skip", "head"),
    ("new", "frozen", "logistic", "probe"),
    (None, None, "raw_gru", "baseline"),
    (None, None, "features_forest", "classical"),
]
TABLES = ("main", "ablation", "controls", "confusion", "finetuning")
MODULES = {"avg": "avg", "skip": "skip", "pool": "max", "raw_gru": "raw_gru"}
PAPER = {"classes": CLASSES, "folds": FOLDS, "role": "out-of-domain", "survey": "atlas", "data": "real"}
OTHER = {**PAPER, "survey": "sim_atlas", "data": "simulated", "classes": CLASSES[:3]}


def predictions(classes, seed: int) -> pl.DataFrame:
    """Two windows of each of 20 objects of every class, most of them right."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(len(classes)), 40)
    ids = [f"star {row // 2}" for row in range(len(labels))]
    chances = rng.dirichlet(np.ones(len(classes)), len(labels)) + 0.6 * np.eye(len(classes))[labels]
    return predictions_table(ids, np.arange(len(labels)) % 2, labels, chances / 1.6, classes)


def write_scores(folder, name, value):
    """Scores and time of one finetuning, in which the error falls to `value`."""
    rows = {"predictor": ["model", "window_mean", "pretrained"], "rmse_hidden": [value, 0.4, 0.2]}
    pl.DataFrame({**rows, "r2_hidden": [0.8, 0.0, 0.5]}).write_csv(folder / f"{name}.scores.csv")
    pl.DataFrame({"minutes": [2.0 if name == "0" else None]}).write_csv(folder / f"{name}.timing.csv")
    return folder / f"{name}.scores.csv", folder / f"{name}.timing.csv"


def write(folder, datasets):
    """Write the tables of a run whose classifiers agree."""
    paths, sources, metrics = [], [], []
    for dataset, section in datasets.items():
        folds = [predictions(section["classes"], fold) for fold in range(FOLDS)]
        for encoder, state, model, kind in CLASSIFIERS:
            tables = [of_classifier(table, model=model, fold=fold, spc=20) for fold, table in enumerate(folds)]
            paths.append(folder / f"{len(paths)}.parquet")
            pl.concat(tables).write_parquet(paths[-1])
            sources.append({"encoder": encoder, "state": state, "dataset": dataset})
            tags = {**sources[-1], "run": "test", "spc": 20, "model": model, "kind": kind, "data": section["data"]}
            scores = [score_predictions(table, section["classes"]) for table in folds]
            metrics += [tag_scores(table, **tags, fold=fold) for fold, table in enumerate(scores)]
    pl.concat(metrics).write_csv(folder / "metrics.csv")
    scores, timings = zip(*(write_scores(folder, str(fold), 0.1 + 0.1 * fold) for fold in range(FOLDS)), strict=True)
    write_tables(
        folder / "metrics.csv",
        paths,
        folder,
        sources=sources,
        encoders=ENCODERS,
        datasets=datasets,
        modules=MODULES,
        seed=1,
        scores=scores,
        timings=timings,
        finetunings=[{"encoder": "new", "dataset": "sky", "fold": fold, "spc": 20} for fold in range(FOLDS)],
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The tables of a run on the paper's data and on simulated stars, as files."""
    folder = tmp_path_factory.mktemp("tables")
    write(folder, {"sky": PAPER, "sim": OTHER})
    return folder


@pytest.fixture(scope="module")
def every(folder):
    """The tables."""
    return {name: pl.read_csv(folder / f"{name}.csv", infer_schema_length=None) for name in TABLES}


@pytest.fixture
def tables(every):
    """The tables of the dataset that is the paper's."""
    return {name: table.filter(pl.col("dataset") == "sky") for name, table in every.items()}


def chosen(table, **values):
    """The one row of a table with these values."""
    found = table.filter(*(pl.col(name).eq_missing(value) for name, value in values.items()))
    assert found.height == 1, found
    return found.row(0, named=True)


def test_each_classifier_is_in_its_table(tables):
    found = {
        name: set(tables[name].select("encoder", "state", "model").iter_rows())
        for name in tables
        if name != "finetuning"
    }
    every = {row[:3] for row in CLASSIFIERS}
    assert found["confusion"] == every
    assert found["controls"] == {
        row for row in every if row[0] == "random" or row[2] in ("logistic", "features_forest")
    }
    assert found["ablation"] == every - found["controls"]
    assert found["main"] == {row[:3] for row in CLASSIFIERS[:3]}


def test_measured_values_are_those_of_the_metrics(tables):
    row = chosen(tables["main"], encoder="new", state="finetuned", level="object")
    is_macro_f1 = (pl.col("level") == "object") & (pl.col("metric") == "f1") & pl.col("class").is_null()
    values = [
        score_predictions(predictions(CLASSES, fold), CLASSES).filter(is_macro_f1)["value"].item() for fold in (0, 1)
    ]
    assert row["mean"] == pytest.approx(np.mean(values), abs=1e-6)
    assert row["sd"] == pytest.approx(np.std(values, ddof=1), abs=1e-6)
    assert row["low"] < row["mean"] < row["high"]
    assert (row["folds"], row["objects"], row["data"]) == (2, 100, "real")


def test_published_numbers_stand_beside_ours_and_never_in_their_place(tables):
    expected = chosen(published("scores"), dataset="atlas", spc=20, model="A2", head="skip")
    row = chosen(tables["main"], encoder="new", state="finetuned", level="window")
    assert (row["published_mean"], row["published_sd"]) == (expected["mean"], expected["sd"])
    assert row["mean"] != expected["mean"]
    assert (row["note"], row["source"]) == (None, expected["source"])
    frozen = chosen(tables["main"], encoder="old", level="window")
    assert frozen["published_mean"] == 0.5538
    assert frozen["note"] == "encoder not finetuned, the published one was"
    assert chosen(tables["ablation"], model="pool", level="window")["published_mean"] == 0.5877
    assert chosen(tables["ablation"], model="raw_gru", level="window")["published_mean"] == 0.2331
    assert chosen(tables["ablation"], encoder="ours", level="window")["published_mean"] is None
    for name in ("main", "ablation", "confusion"):
        assert tables[name].filter(pl.col("level") == "object")["published_mean"].is_null().all()
    assert tables["controls"]["published_mean"].is_null().all()


def test_other_data_are_noted(every):
    tables = {name: table.filter(pl.col("dataset") == "sim") for name, table in every.items()}
    row = chosen(tables["main"], encoder="new", state="finetuned", level="window")
    assert (row["data"], row["published_mean"]) == ("simulated", 0.7151)
    assert row["note"] == "simulated stars; published: real stars of ATLAS"
    assert tables["confusion"]["published_mean"].is_null().all(), "other classes cannot be compared cell by cell"


def test_confusion_counts_rows_and_averages_fractions(tables):
    table = tables["confusion"]
    rows = table.filter(pl.col("encoder") == "new", pl.col("state") == "finetuned", pl.col("model") == "skip")
    sums = rows.group_by("level", "true").agg(pl.col("mean").sum(), pl.col("count").sum())
    assert sums["mean"].to_list() == pytest.approx([1] * 10, abs=1e-5)
    assert dict(sums.select("level", "count").unique().iter_rows()) == {"window": 40 * FOLDS, "object": 20 * FOLDS}
    cell = {"true": "Mira", "predicted": "Mira"}
    expected = chosen(published("confusion"), dataset="atlas", spc=20, head="skip", **cell)
    assert chosen(rows, level="window", **cell)["published_mean"] == expected["mean"]


def test_finetuning_before_and_after(tables):
    table = tables["finetuning"]
    after = chosen(table, quantity="rmse_after")
    assert (after["mean"], after["folds"], after["published_mean"]) == (pytest.approx(0.15), 2, 0.1229)
    assert after["note"] == "published: RMSE of fully visible windows, not of hidden points"
    assert chosen(table, quantity="rmse_before")["mean"] == pytest.approx(0.2)
    assert chosen(table, quantity="r2_after")["published_mean"] is None
    minutes = chosen(table, quantity="minutes")
    assert (minutes["mean"], minutes["folds"]) == (2, 1), "a resumed job has no time"


def test_a_run_without_finetuning_has_an_empty_table():
    table = finetuning_table(read_finetunings([], [], []), ENCODERS, {"sky": PAPER})
    assert table.height == 0
    assert "published_mean" in table.columns


def test_objects_are_counted_once(every):
    counts = every["main"].select("dataset", "objects").unique()
    assert dict(counts.iter_rows()) == {"sky": 100, "sim": 60}


def test_a_missing_run_is_an_error(tmp_path):
    with pytest.raises(InputError, match=r"expected the folds \[0, 1, 2\], found \[0, 1\]"):
        write(tmp_path, {"sky": {**PAPER, "folds": 3}})


def test_the_notebook_shows_the_tables(folder):
    rows = {"dataset": ["sky"], "claim": ["new above old"], "difference": [0.1], "verdict": ["holds"]}
    pl.DataFrame(rows).write_csv(folder / "claims.csv")
    parameters = {name: str(folder / f"{name}.csv") for name in ("claims", *TABLES)} | {"run": "test"}
    draw_figure(NOTEBOOK, folder / "results.ipynb", executed=str(folder / "executed.ipynb"), parameters=parameters)
    cells = nbformat.read(folder / "results.ipynb", as_version=4).cells
    shown = [output["data"]["text/html"] for cell in cells for output in cell.get("outputs", []) if "data" in output]
    assert len(shown) == 5 + 2, "claims, four tables, and a confusion matrix of each dataset"
    assert "0.715" in shown[1], "the published score of A2"
    assert "simulated stars; published: real stars of ATLAS" in shown[1]
