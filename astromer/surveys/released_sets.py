"""The sets of published records, from the folders `fold_<k>/<dataset>_<spc>/<subset>/` in which they lie."""

import re
from pathlib import Path

import polars as pl

from astromer.errors import InputError
from astromer.surveys.readers.records import RecordsOptions, iter_records, record_id

PLACE = re.compile(r"(?:.*/)?fold_(?P<fold>\d+)/[^/]*_(?P<spc>\d+)/(?P<subset>train|val|test)/.+")
SCHEMA = {"fold": pl.Int32, "spc": pl.Int32, "subset": pl.String, "id": pl.String}


def released_sets(source: Path) -> tuple[pl.DataFrame, int]:
    """List the objects of each set of the records of one dataset, each once.

    Args:
        source: folder or archive of the records.

    Returns:
        fold, spc (null for the test set, which all SPC of a fold share), subset (train, validation or test) and id, as
        `datasets.<name>.sets` of a run expects them; and how many records repeat another one of their set.

    Raises:
        InputError: no file lies in a folder of a set, or the test sets of a fold differ between SPC.
    """
    rows = []
    for file, number, data in iter_records(RecordsOptions(), source):
        if place := PLACE.fullmatch(file):
            object_id = record_id(data, f"{source}, {file}, record {number}")
            rows.append(
                (int(place["fold"]), int(place["spc"]), place["subset"].replace("val", "validation"), object_id)
            )
    if not rows:
        raise InputError(f"{source}: no records lie in a folder fold_<number>/<dataset>_<SPC>/<train, val or test>/")
    table = pl.DataFrame(rows, schema=SCHEMA, orient="row")
    sets = table.unique()
    is_test = pl.col("subset") == "test"
    tests = sets.filter(is_test)
    shared = tests.group_by("fold", "id").len().join(tests.group_by("fold").agg(pl.col("spc").n_unique()), on="fold")
    if differing := shared.filter(pl.col("len") != pl.col("spc"))["fold"].unique().sort().to_list():
        raise InputError(f"{source}: the test sets of fold {differing[0]} differ between SPC; expected one test set")
    spc = pl.when(~is_test).then("spc").alias("spc")
    listed = sets.with_columns(spc).unique().sort("fold", "spc", "subset", "id", nulls_last=False)
    return listed, table.height - sets.height
