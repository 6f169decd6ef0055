"""The examples of docs/your_stars.md, complete, on a few stars; tests/workflow/test_apply.py runs that of a survey."""

import re
from pathlib import Path

import numpy as np
import polars as pl

import astromer
from astromer.cli import main

ROOT = Path(__file__).resolve().parents[3]
DOCS = (ROOT / "docs/your_stars.md").read_text(encoding="utf-8")


def example(language):
    (block,) = re.findall(rf"```{language}\n(.*?)```", DOCS, re.DOTALL)
    return block


def test_a_table(columns, kinds, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pl.DataFrame(columns).rename({"id": "oid", "mjd": "hjd"}).write_csv("observations.csv")
    labelled = list(kinds.items())[:20]
    pl.DataFrame(labelled, schema=["oid", "type"], orient="row").write_csv("labels.csv")
    found = {}
    exec(compile(example("python"), "docs/your_stars.md", "exec"), found)
    assert list(found["table"].columns) == ["id", "p_long", "p_short"]
    predicted = np.where(found["table"]["p_long"] > 0.5, "long", "short")  # 20 stars learned from, 4 new ones
    assert (predicted == list(kinds.values())).mean() > 0.9
    assert astromer.Classifier.load("my_classifier").classes == ("long", "short")


def test_a_folder(stars, kinds, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("light_curves").mkdir()
    for name, star in zip(kinds, stars, strict=True):
        np.savetxt(f"light_curves/{name}.dat", star)
    pl.DataFrame(list(kinds.items()), schema=["id", "class"], orient="row").write_csv("labels.csv")
    for line in example("sh").splitlines():
        command, *arguments = line.split()
        assert command == "astromer"
        assert main(arguments) == 0
    assert pl.read_csv("probabilities.csv").height == pl.read_parquet("embeddings.parquet").height == 24
