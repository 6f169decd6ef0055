"""A star of a set is found in any survey: by its id, in another survey of its id space, and by its position."""

import polars as pl

from astromer.splits.membership import membership

SCHEMA = {"survey": pl.String, "id": pl.String, "ra": pl.Float64, "dec": pl.Float64}
SETS = pl.DataFrame(
    [
        (0, 5, "train", "a"),
        (0, 5, "validation", "b"),
        (0, None, "test", "c"),
        (1, 5, "train", "b"),
        (0, 9, "train", "d"),
    ],
    schema=["fold", "spc", "subset", "id"],
    orient="row",
)
ENTRIES = pl.DataFrame([("mine", name, 10.0 * i, 0.0) for i, name in enumerate("abcde")], schema=SCHEMA, orient="row")


def marks(objects, **id_spaces):
    table = pl.DataFrame(objects, schema=SCHEMA, orient="row")
    found = membership(table, ENTRIES, SETS, spc=5, radius_arcsec=2.0, id_spaces=id_spaces)
    assert found["id"].to_list() == table["id"].to_list()
    names = ("training", "validation", "test")
    return [[name for name in names if row[f"in_{name}"]] for row in found.rows(named=True)]


def test_the_survey_of_the_dataset():
    rows = ENTRIES.rows()
    assert marks(reversed(rows)) == [[], [], ["test"], ["training", "validation"], ["training"]]


def test_other_surveys():
    objects = [("other", "a", None, None), ("other", "x", 20.0, 1 / 3600), ("other", "y", 20.0, 5 / 3600)]
    assert marks(objects) == [[], ["test"], []]
    assert marks(objects, mine="names", other="names") == [["training"], ["test"], []]
