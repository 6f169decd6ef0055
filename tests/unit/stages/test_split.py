"""The stage of the splits: sets that are given lead to the same files as the same sets drawn."""

import polars as pl
import pytest

from astromer.stages.split import split_dataset, split_pretraining

SECTION = {"survey": "sky", "classes": ["EC", "RRab"], "folds": 2, "spc": [5, 10], "test_per_class": 4}
OPTIONS = {"match_radius_arcsec": 0.0, "id_spaces": {}, "seed": 3}


@pytest.fixture
def metadata(tmp_path):
    labels = ["EC", "RRab", "LPV"] * 20
    columns = {"id": [f"star-{i:02d}" for i in range(len(labels))], "survey": "sky", "class": labels}
    path = tmp_path / "metadata.parquet"
    pl.DataFrame({**columns, "ra": 1.0, "dec": 1.0}).write_parquet(path)
    return path


def split(folder, metadata, **given):
    folder.mkdir()
    section = SECTION | ({"sets": "sets.csv"} if given else {})
    table = given.get("given")
    split_dataset([metadata], folder / "sets", folder / "counts", name="sky", dataset=section, **given, **OPTIONS)
    largest = section | {"spc": [10]}
    fractions = {"surveys": ["sky"], "validation_fraction": 0.2, "test_fraction": 0.1}
    tables = [table] if table else []
    split_pretraining([metadata], folder / "all", given=tables, datasets={"sky": largest}, **fractions, **OPTIONS)
    return [(folder / name).read_bytes() for name in ("counts", "all")], pl.read_parquet(folder / "sets")


def test_given_sets_lead_to_the_files_of_drawn_ones(metadata, tmp_path):
    files, drawn = split(tmp_path / "drawn", metadata)
    drawn.select("fold", "spc", "subset", "id").write_csv(tmp_path / "sets.csv")
    same_files, given = split(tmp_path / "given", metadata, given=tmp_path / "sets.csv")
    assert same_files == files
    order = ["fold", "spc", "subset", "id"]
    assert given.sort(order).equals(drawn.sort(order))
