"""The notebooks run from tables to files, and are stored without outputs."""

from pathlib import Path

import nbformat
import numpy as np
import papermill
import polars as pl
import pytest

from astromer.evaluation.predictions import of_classifier, predictions_table
from astromer.evaluation.scores import confusion, score_predictions, tag_scores

NOTEBOOKS = Path(__file__).resolve().parents[3] / "notebooks"
NAMES = sorted(path.stem for path in NOTEBOOKS.glob("*.ipynb"))
CLASSES = ["EC", "LPV", "RRab"]


@pytest.fixture
def run_notebook(tmp_path, monkeypatch):
    """Execute a notebook with parameters and outputs under a folder with a space; give its executed text."""
    monkeypatch.setenv("PYTHONPATH", str(NOTEBOOKS.parent))
    monkeypatch.setenv("MPLBACKEND", "Agg")
    folder = tmp_path / "run 1"
    folder.mkdir()

    def run(name: str, **parameters):
        outputs = {kind: str(folder / f"{name}.{kind}") for kind in ("pdf", "png")} | {"table": str(folder / "t.csv")}
        parameters = {**parameters, **outputs, "run": "test"}
        assert set(parameters) <= set(papermill.inspect_notebook(str(NOTEBOOKS / f"{name}.ipynb")))
        executed = papermill.execute_notebook(
            str(NOTEBOOKS / f"{name}.ipynb"),
            str(folder / "executed.ipynb"),
            parameters=parameters,
            kernel_name="python3",
            progress_bar=False,
        )
        assert Path(outputs["pdf"]).read_bytes().startswith(b"%PDF")
        assert Path(outputs["png"]).read_bytes().startswith(b"\x89PNG")
        data = [output.get("data", {}) for cell in executed.cells for output in cell.get("outputs", [])]
        assert any("image/png" in mime for mime in data)
        assert any("text/html" in mime for mime in data)
        return pl.read_csv(outputs["table"])

    return run


def predictions_of(seed: int) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(3), 10)
    probabilities = rng.dirichlet(np.ones(3), 30) + 0.7 * np.eye(3)[labels]
    ids = [f"star {i // 2}" for i in range(30)]
    return predictions_table(ids, np.arange(30) % 2, labels, probabilities / 1.7, CLASSES)


@pytest.mark.parametrize("name", ["fig02", "fig03"])
def test_distribution_notebooks(run_notebook, tmp_path, name):
    rng = np.random.default_rng(0)
    observations = {}
    for survey, mean in (("sim", -5), ("real", 15)):
        paths = [tmp_path / f"{survey}{shard}.parquet" for shard in range(2)]
        for path in paths:
            times = np.cumsum(rng.exponential(1, 60))
            stars = np.repeat(["a", "b"], 30)
            pl.DataFrame({"id": stars, "mjd": times, "mag": rng.normal(mean, 1, 60).astype("f4")}).write_parquet(path)
        observations[survey] = [str(path) for path in paths]
    table = run_notebook(name, surveys=["sim", "real"], observations=observations, simulated=["sim"])
    assert table["survey"].to_list() == ["sim", "real"]
    assert table["data"].to_list() == ["simulated", "real"]
    assert table["num_values"].to_list() == ([120, 120] if name == "fig02" else [116, 116])


def test_ablation_notebook(run_notebook, tmp_path):
    parts = []
    for fold in range(2):
        for model, kind, encoder in (("skip", "head", "v2"), ("raw_gru", "baseline", None)):
            state = "frozen" if encoder else None
            scores = score_predictions(predictions_of(fold), CLASSES)
            tags = {"run": "test", "dataset": "sim", "fold": fold, "spc": 20, "data": "simulated"}
            parts.append(tag_scores(scores, encoder=encoder, state=state, model=model, kind=kind, **tags))
    pl.concat(parts).write_csv(tmp_path / "metrics.csv")
    table = run_notebook(
        "fig12",
        metrics=str(tmp_path / "metrics.csv"),
        dataset="sim",
        fold_counts={"sim": 2},
        encoders={"v2": "A2"},
        level="object",
        metric="f1",
    )
    assert sorted(table["model"]) == ["raw_gru", "skip"]
    values = [
        row["value"]
        for part in parts
        for row in part.iter_rows(named=True)
        if (row["level"], row["metric"], row["class"], row["model"]) == ("object", "f1", None, "skip")
    ]
    assert table.filter(pl.col("model") == "skip")["mean"].item() == pytest.approx(np.mean(values))


def test_recipes_notebook(run_notebook, tmp_path):
    """Two seeds of one recipe and one of another; without an error at hidden points, an encoder is an error."""
    encoders = {"all": "all", "all-2": "all", "none": "none"}
    parts, hidden = [], {}
    for number, encoder in enumerate(encoders):
        for fold in range(2):
            scores = score_predictions(predictions_of(10 * number + fold), CLASSES)
            tags = {"run": "test", "dataset": "sim", "fold": fold, "spc": 20, "data": "simulated", "kind": "probe"}
            parts += [
                tag_scores(scores, encoder=encoder, state=state, model=m, **tags)
                for m in ("logistic", "forest")
                for state in ("frozen", "wrong_period")
            ]
        errors = {"class": CLASSES, "windows": 9, "model": 0.1 * number + 0.1, "interpolation": 0.3, "window_mean": 0.4}
        pl.DataFrame(errors).write_csv(tmp_path / f"{encoder}.csv")
        hidden[encoder] = {"sim": str(tmp_path / f"{encoder}.csv")}
    without = {"encoder": None, "state": None, "model": "features_forest"} | tags | {"kind": "classical"}
    parts += [tag_scores(scores, **without | {"fold": fold}) for fold in range(2)]
    pl.concat(parts).write_csv(tmp_path / "metrics.csv")
    table = run_notebook(
        "fig_v3",
        metrics=str(tmp_path / "metrics.csv"),
        hidden_points=hidden,
        recipes=encoders,
        fold_counts={"sim": 2},
        simulated_datasets=["sim"],
    )
    assert sorted(table["encoder"]) == sorted([*encoders] * 2)
    assert set(table["model"]) == {"logistic", "forest"}
    assert table.filter(pl.col("encoder") == "all-2").select(CLASSES).row(0) == pytest.approx([0.5] * 3)


def test_confusion_notebook(run_notebook, tmp_path):
    keys = [("skip", 20), ("skip", 100), ("logistic", 20)]
    tables = [
        of_classifier(predictions_of(fold + 9 * seed), model=model, fold=fold, spc=spc, seed=seed)
        for fold in range(2)
        for seed in range(2)
        for model, spc in keys
    ]
    pl.concat(tables).write_parquet(tmp_path / "predictions.parquet")
    table = run_notebook(
        "fig13",
        predictions=str(tmp_path / "predictions.parquet"),
        folds=[0, 1],
        spc=[20, 100],
        seeds=2,
        classes=CLASSES,
        dataset="sim",
        model="skip",
        is_simulated=True,
    )
    assert len(table) == 18
    sums = table.group_by("spc", "true").agg(pl.col("mean").sum())["mean"]
    np.testing.assert_allclose(sums, 1)
    of_both = [confusion(predictions_of(number), CLASSES) for number in (0, 9, 1, 10)]
    np.testing.assert_allclose(table.filter(spc=20)["mean"], np.mean(of_both, axis=0).ravel(), atol=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_notebooks_are_stored_clean(name):
    notebook = nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert code[0].metadata.tags == ["parameters"]
    assert not any(cell.outputs or cell.execution_count for cell in code)
    assert notebook.metadata.kernelspec.name == "python3"
    assert notebook.metadata.language_info.name == "python"
    assert not any("polars" in cell.source for cell in code), "readers of a notebook know pandas"
    assert all(cell.id for cell in notebook.cells)
