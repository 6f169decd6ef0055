"""The examples of docs/your_stars.md, complete, on a few stars; tests/workflow/test_apply.py runs that of a survey."""

import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import astromer
from astromer.cli import main
from astromer.errors import InputError

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


def test_a_file_that_is_not_text_is_named(tmp_path):
    (tmp_path / "star.dat").write_bytes("# Größe\n1 2\n".encode("latin-1"))
    with pytest.raises(InputError, match=r"star\.dat: is not text in UTF-8"):
        astromer.read_folder(tmp_path)


@pytest.mark.parametrize(
    "content", ["mjd,mag\n1,,0.02\n", "58000.1 >15.3 99\n58001 15 99\n", "1\t\t0.02\n", "1,2\n3\n"]
)
def test_a_line_without_a_magnitude_is_an_error(content, tmp_path):
    (tmp_path / "star.dat").write_text(content)
    with pytest.raises(InputError, match=r"star\.dat, line \d: .*; expected a time and a magnitude"):
        astromer.read_folder(tmp_path)


def test_the_first_observation_is_kept(tmp_path):
    (tmp_path / "a.csv").write_bytes(b"\xef\xbb\xbf1, 15.5, 0.1\n2, 16, 0.1\n")
    (tmp_path / "b.dat").write_text("# OGLE\ntime mag\n# a comment\n 1   15.5\n2\t16\n")
    table = astromer.read_folder(tmp_path)
    assert table.rows() == [(star, *point) for star in "ab" for point in ((1.0, 15.5), (2.0, 16.0))]


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
