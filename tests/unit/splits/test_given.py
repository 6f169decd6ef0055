"""Sets that a table gives: taken as they are, repetitions counted once, gaps and unknown objects named."""

import logging

import polars as pl
import pytest

from astromer.config.datasets import Dataset
from astromer.errors import InputError
from astromer.splits.draw import number_stars, split_dataset
from astromer.splits.given import given_sets

DATASET = Dataset(survey="sky", classes=["EC", "RRab"], folds=2, spc=[5, 10], test_per_class=4, sets="sets.csv")


@pytest.fixture
def objects():
    labels = ["EC", "RRab", "LPV"] * 20
    columns = {"id": [f"star-{i:02d}" for i in range(len(labels))], "survey": "sky", "class": labels}
    return number_stars(pl.DataFrame({**columns, "ra": None, "dec": None}).cast({"ra": float, "dec": float}), 0)


@pytest.fixture
def drawn(objects):
    return split_dataset(objects, DATASET, name="d", seed=1)


@pytest.fixture
def table(drawn, tmp_path):
    path = tmp_path / "sets.csv"
    drawn.select("fold", "spc", "subset", "id").write_csv(path)
    return path


def test_given_sets_are_those_that_a_draw_would_have_returned(objects, drawn, table):
    order = ["fold", "spc", "subset", "id"]
    given = given_sets(objects, table, DATASET, name="d")
    assert given.schema == drawn.schema
    assert given.sort(order).equals(drawn.sort(order))


def test_only_the_folds_and_spc_of_the_dataset_are_taken(objects, table):
    smaller = DATASET.model_copy(update={"folds": 1, "spc": [10]})
    given = given_sets(objects, table, smaller, name="d")
    assert set(given["fold"]) == {0}
    assert set(given["spc"]) == {None, 10}


def test_a_row_that_occurs_twice_counts_once(objects, drawn, table, caplog):
    rows = pl.read_csv(table)
    pl.concat([rows, rows[:3]]).write_csv(table)
    with caplog.at_level(logging.INFO):
        given = given_sets(objects, table, DATASET, name="d")
    assert given.height == drawn.height
    assert f"3 of {drawn.height + 3} rows repeat" in caplog.text


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (pl.col("fold") != 1, "has no test set of fold 1"),
        (
            ~((pl.col("spc") == 5) & (pl.col("subset") == "validation")).fill_null(False),
            "validation set of fold 0, SPC 5",
        ),
    ],
)
def test_a_set_that_lacks_is_named(objects, table, change, message):
    pl.read_csv(table).filter(change).write_csv(table)
    with pytest.raises(InputError, match=message):
        given_sets(objects, table, DATASET, name="d")


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("id", "nosuch", r"1 objects, such as nosuch, are not in survey sky"),
        ("id", "star-02", r"such as star-02, .*or have no class of dataset d"),
        ("subset", "tests", "expected the subset train or validation"),
        ("subset", "train", "expected the subset train or validation"),
    ],
)
def test_a_wrong_row_is_named(objects, table, column, value, message):
    rows = pl.read_csv(table)
    is_first_test = pl.int_range(pl.len()) == rows["subset"].to_list().index("test")
    rows.with_columns(pl.when(is_first_test).then(pl.lit(value)).otherwise(column).alias(column)).write_csv(table)
    with pytest.raises(InputError, match=message):
        given_sets(objects, table, DATASET, name="d")


def test_a_file_that_is_no_such_table_is_named(objects, tmp_path):
    path = tmp_path / "sets.csv"
    path.write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match=r"sets.csv: expected a CSV with the columns fold, spc, subset, id"):
        given_sets(objects, path, DATASET, name="d")
