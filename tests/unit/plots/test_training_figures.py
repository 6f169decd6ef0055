"""Learning curves: figure and notebook."""

import numpy as np
import pandas as pd
import pytest
from figure_layout import assert_publishable, caption_of
from notebook_run import assert_written, files_of, run_cells

from astromer.errors import InputError
from astromer.plots.training import LearningCurves, learning_curves_figure

NOTE = "Real data. Run: asas."
FILES = ("history", "steps", "scores")


def write_curves(folder, *, shift=0.0, epochs=5, per_epoch=30):
    """Write a run's three tables; the third epoch is the best one."""
    folder.mkdir(parents=True)
    step = np.arange(1, epochs * per_epoch + 1)
    loss = 0.1 + shift + 1 / (step + 2)
    steps = pd.DataFrame({"step": step, "loss": loss, "rmse_hidden": 1.4 * loss, "r2_hidden": 1 - 10 * loss**2})
    steps.to_csv(folder / "steps.csv", index=False)
    loss = 0.12 + shift + 0.01 * np.abs(np.arange(epochs) - 2)
    history = {"epoch": np.arange(1, epochs + 1), "step": per_epoch * np.arange(1, epochs + 1)}
    history |= {"val_loss": loss, "val_rmse_hidden": 1.4 * loss, "val_r2_hidden": 1 - 10 * loss**2}
    pd.DataFrame(history).to_csv(folder / "history.csv", index=False)
    predictors = {"predictor": ["model", "window_mean"], "rmse_hidden": [0.171 + shift, 0.4]}
    pd.DataFrame(predictors | {"r2_hidden": [0.75 - shift, 0.0]}).to_csv(folder / "scores.csv", index=False)
    return {name: str(folder / f"{name}.csv") for name in FILES}


@pytest.mark.parametrize("number", [1, 3, 12])
def test_every_encoder_has_its_curves(tmp_path, number):
    names = ["A2"] if number == 1 else [f"encoder_{i}" for i in range(number)]
    runs = {name: LearningCurves.read(**write_curves(tmp_path / name, shift=0.001 * i)) for i, name in enumerate(names)}
    figure = learning_curves_figure(runs, NOTE)
    boxes = assert_publishable(figure)
    assert [axis.get_ylabel() for axis in figure.axes] == ["Loss", "RMSE (mag)", "$R^2$"]
    assert figure.axes[0].get_xscale() == "log"
    assert (names[0] in boxes) == (number > 1), "a single encoder needs no legend of names"
    for i in range(number):
        assert f"{0.171 + 0.001 * i:.3f}" in boxes
        assert f"{0.75 - 0.001 * i:.3f}" in boxes
    assert caption_of(figure).startswith(NOTE)
    assert f"{names[-1]} 3 of 5." in caption_of(figure)


def test_curves_are_the_tables(tmp_path):
    run = LearningCurves.read(**write_curves(tmp_path / "run"))
    figure = learning_curves_figure({"A2": run}, NOTE)
    for axis, name in zip(figure.axes, ("loss", "rmse_hidden", "r2_hidden"), strict=True):
        training, validation, best = axis.lines[:3]
        np.testing.assert_allclose(validation.get_xydata(), run.history[["step", f"val_{name}"]])
        np.testing.assert_allclose(training.get_xydata()[:5], run.steps[["step", name]].head(5))
        assert len(training.get_xdata()) < len(run.steps)
        assert best.get_xdata() == [90]
        tests = [line.get_ydata()[0] for line in axis.lines if line.get_linestyle() == ":"]
        assert tests == ([] if name == "loss" else [run.test[name]]), "the weighted loss has no test value"


@pytest.mark.parametrize("drop", [0.5, 3.0, 20.0])
def test_test_and_best_epoch_are_in_sight_however_bad(tmp_path, drop):
    files = write_curves(tmp_path / "run")
    for file, name in ((files["history"], "val_r2_hidden"), (files["scores"], "r2_hidden")):
        table = pd.read_csv(file)
        table.assign(**{name: table[name] - drop}).to_csv(file, index=False)
    run = LearningCurves.read(**files)
    figure = learning_curves_figure({"A2": run}, NOTE)
    assert_publishable(figure)
    low, high = figure.axes[2].get_ylim()
    assert low < run.test["r2_hidden"] < high
    assert low < run.best["val_r2_hidden"] < high


def test_steps_without_hidden_points_leave_no_hole(tmp_path):
    files = write_curves(tmp_path / "run")
    steps = pd.read_csv(files["steps"])
    steps.assign(r2_hidden=steps["r2_hidden"].where(steps["step"] % 7 > 0)).to_csv(files["steps"], index=False)
    figure = learning_curves_figure({"A2": LearningCurves.read(**files)}, NOTE)
    assert_publishable(figure)
    assert np.isfinite(figure.axes[2].lines[0].get_ydata()).all()


def test_a_column_or_a_row_that_is_missing_is_named(tmp_path):
    files = write_curves(tmp_path / "run")
    pd.read_csv(files["steps"]).drop(columns="loss").to_csv(files["steps"], index=False)
    with pytest.raises(InputError, match=r"steps\.csv: expected the columns .*; loss not found"):
        LearningCurves.read(**files)
    files = write_curves(tmp_path / "other")
    pd.read_csv(files["scores"]).query("predictor != 'model'").to_csv(files["scores"], index=False)
    with pytest.raises(InputError, match=r"scores\.csv: expected one row of the predictor 'model', found 0"):
        LearningCurves.read(**files)
    with pytest.raises(InputError, match="at least one encoder"):
        learning_curves_figure({}, NOTE)


def test_notebook(tmp_path):
    curves = {name: write_curves(tmp_path / name) for name in ("A1", "A2")}
    files = files_of(tmp_path / "out", "curves")
    surveys = {"pretraining_surveys": ["sim", "real"], "simulated": ["sim"]}
    variables = run_cells("curves", {"curves": curves, "run": "test"} | surveys | files)
    assert_written(files)
    assert caption_of(variables["figure"]).startswith("Simulated data: sim. Real data: real. Run: test, seed 42.")
    table = pd.read_csv(files["table"])
    assert table["encoder"].to_list() == ["A1", "A2"]
    assert table["epoch"].to_list() == [3, 3]
    assert table["test_rmse_hidden"].to_list() == [0.171, 0.171]
