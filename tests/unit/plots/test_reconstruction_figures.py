"""Reconstructions at hidden points: figure and notebook."""

import numpy as np
import pandas as pd
import pytest
from figure_layout import assert_publishable, caption_of
from notebook_run import assert_written, files_of, run_cells

from astromer.errors import InputError
from astromer.plots.reconstruction import reconstruction_figure, rows_per_class

NOTE = "Simulated data, no real stars. Run: demo."


def points_of(classes, examples, size=30):
    """Windows with every third point hidden; predictions are 0.1 mag too faint."""
    rng = np.random.default_rng(0)
    hidden = np.arange(size) % 3 == 0
    tables = []
    for number, name in enumerate(classes):
        for example in range(examples):
            phase = rng.uniform(0, 1, size)
            mag = -5.0 - 0.3 * number + 0.1 * (1 + number) * np.cos(2 * np.pi * phase)
            at_hidden = {"predicted": mag + 0.1, "interpolated": mag - 0.2, "window_mean": np.full(size, mag.mean())}
            table = {
                "class": [name] * size,
                "example": example,
                "id": f"survey.{number:03d}.{example:04d}",
                "start": 0,
                "mjd": 50_000 + np.sort(rng.uniform(0, 900, size)),
                "mag": mag,
                "err_mag": 0.02,
                "period_days": 0.123456 * 5**number,
                "phase": phase,
                "hidden": hidden,
                **{key: np.where(hidden, values, np.nan) for key, values in at_hidden.items()},
            }
            tables.append(pd.DataFrame(table))
    return pd.concat(tables, ignore_index=True)


@pytest.mark.parametrize(("classes", "available", "rows"), [(2, 3, 3), (4, 3, 3), (6, 3, 2), (7, 3, 1), (12, 3, 1)])
def test_rows_per_class(classes, available, rows):
    assert rows_per_class(classes, available) == rows


@pytest.mark.parametrize(("number", "rows"), [(2, 6), (6, 12)])
def test_a_row_for_each_window(number, rows):
    classes = [f"Class_{i}" for i in range(number)]
    figure = reconstruction_figure(points_of(classes, 3), classes, NOTE)
    boxes = assert_publishable(figure)
    assert len(figure.axes) == 3 * rows
    names = [text for text in boxes if text.startswith("Class_")]
    assert names == [f"{name}  survey.{i:03d}.{k:04d}" for i, name in enumerate(classes) for k in range(rows // number)]
    assert len(boxes["mag"]) == rows
    assert figure.get_figheight() < 10.5
    assert caption_of(figure).startswith(NOTE)


def test_hidden_points_and_nothing_else_are_predicted():
    points = points_of(["EC"], 1)
    figure = reconstruction_figure(points, ["EC"], NOTE)
    boxes = assert_publishable(figure)
    over_time, against, folded = figure.axes
    hidden = points[points["hidden"]]
    crosses = [line for line in over_time.lines if line.get_marker() == "x"]
    np.testing.assert_allclose(crosses[0].get_xydata(), hidden[["mjd", "predicted"]])
    np.testing.assert_allclose(against.lines[1].get_xydata(), hidden[["mag", "predicted"]])
    assert len([line for line in folded.lines if line.get_marker() == "x"]) == 2
    assert any(text.startswith("RMSE 0.100\nmean ") and text.endswith("interp. 0.200") for text in boxes)
    assert all(axis.get_ylim()[0] > axis.get_ylim()[1] for axis in figure.axes), "bright is up"


def test_a_class_without_example_is_an_error():
    with pytest.raises(InputError, match="none of LPV"):
        reconstruction_figure(points_of(["EC"], 1), ["EC", "LPV"], NOTE)


def test_notebook(tmp_path):
    points_of(["EC", "RRab"], 2).to_parquet(tmp_path / "reconstruction.parquet")
    files = files_of(tmp_path / "out", "figB_sim")
    data = {"reconstruction": str(tmp_path / "reconstruction.parquet"), "classes": ["EC", "RRab"], "dataset": "sim"}
    variables = run_cells("figB", data | {"encoder": "A1", "is_simulated": True, "run": "test"} | files)
    assert_written(files)
    assert caption_of(variables["figure"]).startswith("Simulated data, no real stars. Run: test, seed 42. Model: A1.")
    assert pd.read_csv(files["table"])["rmse_model"].to_list() == [pytest.approx(0.1)] * 4
