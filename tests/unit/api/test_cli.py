"""The command `astromer`: what it writes, and one line for each error."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import astromer
from astromer.cli import main
from astromer.models.weights import save_pretrained

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def files(columns, kinds, small_v3, tmp_path, monkeypatch):
    """A folder with a table of stars, their labels, and weights."""
    monkeypatch.chdir(tmp_path)
    pl.DataFrame(columns).rename({"mjd": "hjd"}).write_parquet("stars.parquet")
    pl.DataFrame({"id": list(kinds), "class": list(kinds.values())}).write_csv("labels.csv")
    save_pretrained(*small_v3, tmp_path / "small")
    return tmp_path


def run(line):
    return main(line.split())


def test_a_classifier_from_files_to_files(files, columns, small_v3, capsys):
    assert run("fit stars.parquet --columns time=hjd --labels labels.csv --weights small --out fitted") == 0
    assert run("predict stars.parquet --columns time=hjd --classifier fitted --out found.csv") == 0
    expected = astromer.Classifier.load("fitted").predict_proba(pl.DataFrame(columns))
    found = pl.read_csv("found.csv")
    assert found.columns == ["id", "p_long", "p_short"]
    np.testing.assert_allclose(found["p_long"], expected["p_long"], atol=1e-6)
    assert "24 of 24 stars" in capsys.readouterr().err


def test_embeddings_of_a_folder(files, stars, small_v3):
    (files / "curves").mkdir()
    for number, star in enumerate(stars):
        np.savetxt(files / f"curves/{number:02}.csv", star, delimiter=",", header="time,mag", comments="")
    assert run("encode curves --weights small --out vectors.parquet") == 0
    table = pl.read_parquet("vectors.parquet")
    assert table["id"].to_list() == [f"{number:02}" for number in range(24)]
    expected = astromer.encode(stars, small_v3)["embedding"].to_numpy()
    np.testing.assert_allclose(table["embedding"].to_numpy(), expected, atol=1e-5)


def test_ids_of_a_csv_are_text(files, columns, kinds):
    """As numbers, 12.1 and 12.10 would be one star."""
    names = {name: f"12.{number}" for number, name in enumerate(kinds, start=1)}
    table = pl.DataFrame(columns).with_columns(id=pl.col("id").replace_strict(names), mag=pl.col("mag").round(3))
    table.rename({"id": "oid"}).write_csv("s[1].csv")
    pl.DataFrame({"id": names.values(), "class": kinds.values()}).write_csv("labels.csv")
    assert run("fit s[1].csv --columns id=oid --labels labels.csv --weights small --out fitted") == 0
    assert run("predict s[1].csv --columns id=oid --classifier fitted --out found.parquet") == 0
    assert pl.read_parquet("found.parquet")["id"].to_list() == list(names.values())


def test_stars_whose_names_are_numbers_are_labelled_by_a_csv(files, stars, kinds):
    (files / "curves").mkdir()
    for number, star in enumerate(stars):
        np.savetxt(files / f"curves/{number}.csv", star, delimiter=",")
    pl.DataFrame({"id": range(24), "class": kinds.values()}).write_csv("labels.csv")
    assert run("fit curves --labels labels.csv --weights small --out fitted") == 0


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("encode stars.parquet --weights small --out v.parquet", 'did you mean columns={"time": "hjd"}?'),
        ("encode nothing.parquet --out v.parquet", "nothing.parquet: cannot be read"),
        ("encode stars.fits --out v.parquet", "stars.fits: expected a folder, or a file that ends in .parquet"),
        ("encode stars.parquet --out v.csv", "v.csv: a CSV cannot hold embeddings"),
        ("encode stars.parquet --weights macho-v1 --out v.parquet", "astromer weights fetch macho-v1"),
        ("encode bad --out v.parquet", "a.dat, line 2: is '1 x'; expected a time and a magnitude"),
        ("encode empty --out v.parquet", "empty: there is no light curve"),
        ("predict stars.parquet --classifier small --out p.csv", "small/classifier.json: cannot be read"),
        ("encode mixed.csv --weights small --out v.parquet", "column 'mag' holds String, such as 'bad' in row 7"),
        (
            "encode nan.csv --weights small --out v.parquet",
            "light curve 'star 0': a time or magnitude is not finite in",
        ),
        ("encode stars.parquet --weights foreign --out v.parquet", "foreign/config.json: architecture"),
        ("fit ok.csv --labels rare.csv --weights small --out c", "at least 3 stars of each class; too few in rare (1)"),
        ("fit ok.csv --labels absent.csv --weights small --out c", "1 stars have no light curve, such as 'star 99'"),
        ("weights fetch macho-v9", "macho-v9: no such file or folder; nor is it one of the named weights"),
    ],
)
def test_an_error_is_one_line(files, columns, kinds, line, named, capsys):
    (files / "bad").mkdir()
    (files / "bad/a.dat").write_text("# time mag\n1 x\n")
    (files / "empty").mkdir()
    (files / "foreign").mkdir()
    (files / "foreign/config.json").write_text('{"architecture": "resnet"}')
    (files / "foreign/model.weights.h5").write_text("none")
    table, labels = pl.DataFrame(columns), pl.DataFrame({"id": list(kinds), "class": list(kinds.values())})
    is_seventh = pl.int_range(pl.len()) == 7
    table.write_csv("ok.csv")
    table.with_columns(mag=pl.when(is_seventh).then(pl.lit("bad")).otherwise("mag")).write_csv("mixed.csv")
    table.with_columns(mag=pl.when(is_seventh).then(float("nan")).otherwise("mag")).write_csv("nan.csv")
    labels.with_columns(pl.when(is_seventh).then(pl.lit("rare")).otherwise("class").alias("class")).write_csv(
        "rare.csv"
    )
    labels.with_columns(pl.when(is_seventh).then(pl.lit("star 99")).otherwise("id").alias("id")).write_csv("absent.csv")
    assert run(line) == 2
    message = capsys.readouterr().err
    assert named in message
    assert message.count("\n") == 1


def test_weights_are_listed(capsys):
    assert run("weights list") == 0
    assert "astromer-mini (v3, comes with the package)" in capsys.readouterr().out


def test_weights_of_the_package_are_not_downloaded(capsys):
    assert run("weights fetch astromer-mini") == 0
    assert capsys.readouterr().out.endswith("astromer/pretrained/astromer-mini/model.weights.h5\n")


def test_help_needs_no_tensorflow():
    script = "import sys; from astromer.cli import build_parser; build_parser().format_help(); "
    script += "assert not {'tensorflow', 'keras'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", script], check=True, cwd=ROOT)


@pytest.mark.parametrize(
    "line", ["", "encode", "fit stars.parquet", "encode s.parquet --out v.fits", "encode a --columns x"]
)
def test_wrong_usage_is_explained(line, capsys):
    with pytest.raises(SystemExit, match="2"):
        run(line)
    assert "usage: astromer" in capsys.readouterr().err
