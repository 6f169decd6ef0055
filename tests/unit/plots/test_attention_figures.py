"""Attention on folded light curves: figure and notebook."""

import numpy as np
import pandas as pd
import pytest
from figure_layout import assert_publishable, caption_of
from notebook_run import assert_written, files_of, run_cells

from astromer.errors import InputError
from astromer.plots.attention import attention_figure

NOTE = "Simulated data, no real stars. Run: demo."


def points_of(classes, heads, size=40):
    """Points of one object of each class; the last observation has the strongest weight in every head."""
    rng = np.random.default_rng(0)
    tables = []
    for number, name in enumerate(classes):
        phase = rng.uniform(0, 1, size)
        weights = rng.dirichlet(20 + np.zeros(size), heads).T
        weights[-1] = weights.max(axis=0) + 0.01
        table = {
            "class": [name] * size,
            "example": 0,
            "id": f"survey.{number:07d}",
            "start": 0,
            "mjd": 50_000 + np.arange(size, dtype=float),
            "mag": 15.0 + number + 0.3 * np.cos(2 * np.pi * phase),
            "err_mag": 0.02,
            "period_days": 0.123456 * 5**number,
            "phase": phase,
            "attention": list(weights.astype(np.float32)),
            "mean_attention": weights.mean(axis=1),
        }
        tables.append(pd.DataFrame(table))
    return pd.concat(tables, ignore_index=True)


@pytest.mark.parametrize(("number", "heads"), [(2, 1), (7, 3)])
def test_rows_are_heads_and_columns_classes(number, heads):
    classes = [f"Class_{i}" for i in range(number)]
    figure = attention_figure(points_of(classes, heads), classes, NOTE)
    boxes = assert_publishable(figure)
    bands = -(-number // 6)
    assert len(figure.axes) == number * (heads + 1) + 1, "one panel each, and the colour bar"
    for head in range(heads):
        assert len(boxes[f"Head {head + 1}"]) == bands
    assert len(boxes["Mean"]) == bands
    assert figure.get_figheight() < 10.5
    assert caption_of(figure).startswith(NOTE)
    assert "survey.0000001" in caption_of(figure)
    assert "percentiles 5 and 95" in caption_of(figure)


def test_weights_follow_their_points_in_every_row():
    points = points_of(["EC", "RRab"], 2)
    figure = attention_figure(points, ["EC", "RRab"], NOTE, clip=(0, 100))
    panels = np.array(figure.axes[:-1]).reshape(3, 2)
    strongest = points.query("`class` == 'RRab'").iloc[-1]
    for panel in panels[:, 1]:
        (dots,) = panel.collections
        assert len(dots.get_array()) == 80
        place = dots.get_offsets()[np.argmax(dots.get_array())]
        np.testing.assert_allclose(place, [strongest["phase"], strongest["mag"]])
        low, high = panel.get_ylim()
        assert low > high, "bright is up"
    weights = np.stack(points.query("`class` == 'RRab'")["attention"])
    for head in range(2):
        drawn = np.sort(panels[head, 1].collections[0].get_array()[:40])
        np.testing.assert_allclose(drawn, np.sort(40 * weights[:, head]), rtol=1e-5)
    limits = {panel.collections[0].get_clim() for panel in panels.flat}
    assert len(limits) == 1, "one colour scale"


def test_points_beyond_the_percentiles_are_not_drawn():
    points = points_of(["EC"], 1)
    figure = attention_figure(points, ["EC"], NOTE, clip=(10, 90))
    assert len(figure.axes[0].collections[0].get_array()) == 2 * 32


def test_one_object_of_each_class_is_expected():
    points = points_of(["EC", "RRab"], 1)
    with pytest.raises(InputError, match="class 'LPV': expected one object, found 0"):
        attention_figure(points, ["EC", "LPV"], NOTE)
    with pytest.raises(InputError, match="class 'EC': expected one object, found 2"):
        attention_figure(points.assign(**{"class": "EC"}), ["EC"], NOTE)


def test_notebook(tmp_path):
    points_of(["EC", "RRab"], 2).to_parquet(tmp_path / "attention.parquet")
    files = files_of(tmp_path / "out", "fig07_sim")
    data = {"attention": str(tmp_path / "attention.parquet"), "classes": ["EC", "RRab"], "dataset": "sim"}
    variables = run_cells("fig07", data | {"encoder": "A1", "is_simulated": False, "run": "test"} | files)
    assert_written(files)
    assert caption_of(variables["figure"]).startswith("Real data. Run: test, seed 42. Encoder: A1. Last block")
    assert list(pd.read_csv(files["table"])["head"].unique()) == ["head_1", "head_2", "mean"]
