"""Masks of a window and the check of records: figures and notebooks."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import papermill
import polars as pl
import pytest
from figure_layout import assert_publishable, caption_of
from notebook_run import NOTEBOOKS, assert_written, files_of, run_cells

from astromer.config.training import Masking
from astromer.data.records import write_manifest, write_records
from astromer.errors import InputError
from astromer.evaluation.reconstruction import masked_window
from astromer.plots.masking import masking_figure, records_figure
from astromer.surveys.simulation import SimulationSpec, simulate

NOTE = "Simulated data, no real stars. Run: demo."
CLASSES = ["EC", "RRab"]


@pytest.fixture(scope="module")
def survey(tmp_path_factory):
    """Parquet shards of a few stars, their records and the manifest, in a folder with a space."""
    folder = tmp_path_factory.mktemp("a survey")
    spec = SimulationSpec("sim", "macho", 8, 3, CLASSES, mean_observations=80)
    for shard in range(2):
        simulate(spec, spec.shard(shard, 2))[1].write_parquet(folder / f"{shard}.parquet")
    objects, observations = simulate(spec, range(8))
    file = write_records(observations, objects.with_columns(shard=0), folder / "train.tfrecord", classes=CLASSES)
    write_manifest(folder / "manifest.json", [file], CLASSES)
    return folder


@pytest.fixture(scope="module")
def points(survey):
    return masked_window(survey / "train.tfrecord", "sim.0000003", window=50, masking=Masking(), seed=3).to_pandas()


def test_masks_of_a_window(points):
    figure = masking_figure(points, NOTE)
    boxes = assert_publishable(figure)
    counts = ("not in the loss: 25 (50%)", "shown: 5 (10%)", "replaced: 4 (8%)", "hidden: 16 (32%)")
    assert set(counts) <= set(boxes)
    assert {"target", "visible", "network input", "hidden", "mask token", "in the loss"} <= set(boxes)
    close_up = figure.axes[1]
    lines = {line.get_label(): line for line in close_up.lines}
    first = points.head(40)
    np.testing.assert_allclose(lines["target"].get_ydata(), first["target"].to_numpy())
    np.testing.assert_allclose(lines["network input"].get_ydata(), first["magnitudes"].to_numpy())
    np.testing.assert_allclose(lines["hidden"].get_ydata(), first.query("hidden == 1")["target"])
    assert len(lines["visible"].get_ydata()) == first["valid"].sum()
    assert caption_of(figure).startswith(f"{NOTE} Object sim.0000003, observations ")


def test_points_of_two_windows_are_refused(points):
    with pytest.raises(InputError, match="one window"):
        masking_figure(pd.concat([points, points.assign(id="other")]), NOTE)


def test_records_beside_parquet(points):
    figure = records_figure(points, points.head(3), NOTE)
    boxes = assert_publishable(figure)
    assert {"Parquet: 50 observations", "TFRecord: 3 observations"} <= set(boxes)
    with pytest.raises(InputError, match="TFRecord: expected at least one observation"):
        records_figure(points, points.head(0), NOTE)


def test_masking_notebook(survey, tmp_path):
    files = files_of(tmp_path, "masking")
    data = {"records": str(survey / "train.tfrecord"), "example_dataset": "sim", "classes": ["RRab"], "window": 50}
    variables = run_cells("masking", data | {"run": "test", "is_simulated": True} | files)
    assert_written(files)
    assert caption_of(variables["figure"]).startswith("Simulated data, no real stars. Run: test, seed 42. Object sim.")
    assert len(pd.read_csv(files["table"])) == 50


def test_masking_notebook_names_the_variant_of_the_released_code(survey, tmp_path):
    files = files_of(tmp_path, "masking")
    data = {"records": str(survey / "train.tfrecord"), "example_dataset": "sim", "classes": ["RRab"], "window": 50}
    given = {"run": "test", "is_simulated": True, "variant": "released"}
    assert "Variant released." in caption_of(run_cells("masking", data | given | files)["figure"])


def parameters_of(survey: Path) -> dict[str, object]:
    observations = [str(survey / f"{shard}.parquet") for shard in range(2)]
    manifest = str(survey / "manifest.json")
    return {"observations": observations, "manifest": manifest, "dataset": "sim", "window": 30, "run": "test"}


def test_records_notebook_runs_with_papermill(survey, tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(NOTEBOOKS.parent))
    monkeypatch.setenv("MPLBACKEND", os.environ.get("MPLBACKEND", "Agg"))
    executed = papermill.execute_notebook(
        str(NOTEBOOKS / "create_records.ipynb"),
        str(tmp_path / "executed.ipynb"),
        parameters=parameters_of(survey),
        kernel_name="python3",
        progress_bar=False,
    )
    shown = {cell.id: [output.get("data", {}) for output in cell.get("outputs", [])] for cell in executed.cells}
    for cell in ("draw", "mask"):
        assert any("image/png" in mime for mime in shown[cell]), f"{cell}: no picture"
    for cell in ("manifest", "table", "windows", "mask-table"):
        assert any("text/html" in mime for mime in shown[cell]), f"{cell}: no table"


def test_records_notebook_notices_a_difference(survey):
    wrong = pl.read_parquet(survey / "0.parquet").with_columns(pl.col("mag") + pl.lit(0.001, pl.Float32))
    wrong.write_parquet(survey / "wrong.parquet")
    observations = [str(survey / "wrong.parquet"), str(survey / "1.parquet")]
    with pytest.raises(AssertionError, match="mag"):
        run_cells("create_records", parameters_of(survey) | {"observations": observations})
