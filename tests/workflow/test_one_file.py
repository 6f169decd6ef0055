"""A head, a baseline, a reader and a figure are one file each: dropped into place, they run."""

import csv
import json
import shutil

import pytest
from workflow_run import ROOT, copy_sources

HEAD = '''"""Head `first`: the time mean of the input embedding."""

INPUTS = ("mean",)


def features(pooled, variant: str):
    """Features `(batch, dim)`."""
    return pooled["mean"][:, 0]
'''

BASELINE = '''"""Baseline `magnitudes`: the mean of the magnitudes."""

from astromer.models.recurrence import MaskedMean


def features(inputs, *, dim: int, units: int, variant: str):
    """Features `(batch, 1)`."""
    return MaskedMean(name="mean")(inputs["magnitudes"], inputs["valid"])
'''

READER = '''"""Reader of a text file with lines of id, class, time, magnitude and error."""

from collections.abc import Iterator
from pathlib import Path

import polars as pl
from pydantic import Field

from astromer.config.surveys import Options
from astromer.surveys.reading import JD_OF_MJD_ZERO, RawBatch, TimeOrigin, to_mjd


class LinesOptions(Options):
    """A text file with a line per observation."""

    separator: str = Field(";", description="What stands between two fields.")
    time_origin_jd: TimeOrigin = Field(JD_OF_MJD_ZERO, description="Julian date of time zero [days].")


Options = LinesOptions


def read(options: LinesOptions, *, name: str, source: Path, seed: int, part: int, parts: int) -> Iterator[RawBatch]:
    """Yield all lines."""
    names = ["id", "class", "time", "mag", "err_mag"]
    rows = pl.read_csv(source, separator=options.separator, has_header=False, new_columns=names)
    rows = rows.with_columns(file=pl.lit(source.name), line=pl.int_range(1, pl.len() + 1), text=pl.lit(None))
    rows = rows.with_columns(mjd=to_mjd(pl.col("time"), options.time_origin_jd))
    yield RawBatch.of(rows.select("id", "file", "class").unique("id", maintain_order=True), rows)
'''


@pytest.fixture
def extended(finished, copy_of, tmp_path):
    """The finished run, to be continued from a checkout that may be edited."""
    copy = copy_of(finished)
    copy.root = copy_sources(tmp_path / "another checkout", finished.root)
    return copy


def test_a_head_and_a_baseline_are_one_file_each(extended):
    (extended.root / "astromer/models/heads/first.py").write_text(HEAD)
    (extended.root / "astromer/models/baselines/magnitudes.py").write_text(BASELINE)
    extended.config["classification"] |= {"heads": {"first": {}}, "baselines": {"magnitudes": {}}}
    scores = {"classify/v2_tiny/frozen/sim_macho/heads": "first", "baseline/sim_macho": "magnitudes"}
    output = extended.run("--cores", "2", "--", *(f"results/tiny/{score}/metrics.csv" for score in scores))
    assert extended.jobs(output) == {"train_heads": 1, "train_baselines": 1}
    for score, model in scores.items():
        with (extended.results / score / "metrics.csv").open() as file:
            assert {row["model"] for row in csv.DictReader(file)} == {model}


def test_a_reader_is_one_file(workflow, tmp_path):
    workflow.root = copy_sources(tmp_path / "another checkout")
    (workflow.root / "astromer/surveys/readers/lines.py").write_text(READER)
    workflow.config |= {"surveys_dir": "dumps", "pretraining": {"surveys": ["mine"]}}
    workflow.config["surveys"]["mine"] = {"format": "lines", "source": "mine.txt", "lines": {"time_origin_jd": 0.0}}
    (workflow.folder / "dumps").mkdir()
    lines = [f"star{i // 6};RRab;{2450000.5 + i};{15 + i % 3};0.1" for i in range(12)]
    (workflow.folder / "dumps/mine.txt").write_text("\n".join(lines))
    workflow.run("--cores", "1", "results/tiny/parquet/mine/metadata.parquet")
    with (workflow.results / "parquet/mine/quality.csv").open() as file:
        counts = {(row["level"], row["outcome"]): int(row["count"]) for row in csv.DictReader(file)}
    assert counts["object", "kept"] == 2
    assert counts["observation", "kept"] == 12
    workflow.config["surveys"]["mine"]["lines"] = {"seperator": ","}
    assert "surveys.mine.lines.seperator: unknown key; did you mean separator?" in workflow.run("-n", ok=False)


def test_a_figure_is_one_file(extended):
    """Its name, title, caption, inputs and scope all stand in its notebook."""
    notebook = json.loads((ROOT / "notebooks/fig12.ipynb").read_text())
    notebook["cells"][0]["source"] = ["# A figure of mine\n", "\n", "Its caption."]
    (extended.root / "notebooks/mine.ipynb").write_text(json.dumps(notebook))
    shutil.rmtree(extended.results / "figures")
    assert extended.jobs(extended.run("-n", "figures"))["draw_mine"] == 2
    extended.run("--cores", "2", "mine")
    drawn = {path.name for path in (extended.results / "figures").glob("*.pdf")}
    assert drawn == {"mine_sim_macho.pdf", "mine_sim_atlas.pdf"}


def test_a_notebook_that_reads_an_unknown_result_is_named(extended):
    notebook = json.loads((ROOT / "notebooks/fig12.ipynb").read_text())
    cell = next(cell for cell in notebook["cells"] if cell["metadata"].get("tags"))
    cell["source"] = [line.replace("metrics =", "metircs =") for line in cell["source"]]
    (extended.root / "notebooks/mine.ipynb").write_text(json.dumps(notebook))
    output = extended.run("-n", ok=False)
    assert "mine.ipynb: parameter metircs reads a result, but is not one of attention, " in output
