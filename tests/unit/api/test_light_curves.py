"""Tables of any library are read into the same light curves, and a wrong one is named as what it is."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from astromer.api.light_curves import like, read_curves
from astromer.errors import InputError


def equal(one, other):
    return all(np.array_equal(np.asarray(a), np.asarray(b)) for a, b in zip(one, other, strict=True))


@pytest.fixture(scope="module")
def expected(columns):
    return read_curves(pl.DataFrame(columns))


@pytest.mark.parametrize("kind", [pd.DataFrame, pa.table, dict, pl.LazyFrame])
def test_every_kind_of_table_is_read_alike(columns, expected, kind):
    assert equal(read_curves(kind(columns)), expected)


def test_an_astropy_table_is_read_alike(columns, expected):
    table = pytest.importorskip("astropy.table").Table(columns)
    table["mjd"] = table["mjd"].astype(">f8")  # as a FITS file holds them
    table["id"] = table["id"].astype(bytes)
    assert equal(read_curves(table), expected)
    masked = pytest.importorskip("astropy.table").Table(columns, masked=True)
    masked["mag"].mask[3] = True
    with pytest.raises(InputError, match=r"light curve 'star 0': .* not finite in row 3"):
        read_curves(masked)


def test_lists_of_arrays_of_objects_and_nested_tables_are_read_alike(stars, expected):
    objects = [SimpleNamespace(time=star[::-1, 0], mag=star[::-1, 1]) for star in stars]
    lists = {name: [list(star[:, place]) for star in stars] for place, name in enumerate(("mjd", "mag"))}
    nested = pl.DataFrame({"id": list(range(24)), **lists})
    for light_curves in (stars, tuple(stars), [star.tolist() for star in stars], objects, nested):
        curves = read_curves(light_curves)
        assert curves.ids.to_list() == list(range(24))
        assert equal(curves[1:], expected[1:])
    with pytest.raises(InputError, match="id 1 occurs in several rows"):
        read_curves(nested.with_columns(id=pl.lit(1)))


def test_columns_of_other_names(columns, expected):
    table = pd.DataFrame(columns).rename(columns={"id": "oid", "mjd": "hjd", "mag": "psfmag"})
    assert equal(read_curves(table, {"id": "oid", "time": "hjd", "mag": "psfmag"}), expected)
    with pytest.raises(InputError, match=r"no column 'id' for the id; .* did you mean columns=\{\"id\": \"oid\"\}\?"):
        read_curves(table)
    with pytest.raises(InputError, match=r"no column 'mjd' for the time; .*\"time\": \"hjd\""):
        read_curves(table, {"id": "oid"})
    with pytest.raises(InputError, match="columns: unknown key 'magnitude'; expected some of id, time, mag"):
        read_curves(table, {"magnitude": "psfmag"})


@pytest.mark.parametrize(
    ("table", "named"),
    [
        (pd.Series([1.0, 2.0]), "found pandas Series; expected a table"),
        (3.0, "found builtins float"),
        ({"id": ["a", 3], "mjd": [1.0, 2.0], "mag": [1.0, "x"]}, "column 'mag' holds String, such as '1.0'"),
        (pd.DataFrame({"id": ["a", 3], "mjd": 1.0, "mag": 1.0}), "pandas DataFrame cannot be read as a table"),
        ({"id": ["a", "b"], "mjd": [1.0], "mag": [1.0, 2.0]}, "dict cannot be read as a table"),
        ({"id": ["a", None], "mjd": [1.0, 2.0], "mag": [1.0, 2.0]}, "row 1 has no id"),
    ],
)
def test_a_wrong_table_is_named(table, named):
    with pytest.raises(InputError, match=named):
        read_curves(table)


def test_repeated_times_and_single_points_are_light_curves():
    curves = read_curves([np.array([[1.0, 15.0], [1.0, 14.0]]), np.array([[3.0, 15.0]])])
    np.testing.assert_array_equal(curves.mag, np.array([15, 14, 15], np.float32))


def test_results_are_of_the_kind_that_was_given(columns):
    result = pl.DataFrame({"id": ["a", "b"], "v": pl.Series(np.ones((2, 3)), dtype=pl.Array(pl.Float32, 3))})
    assert np.stack(like(result, pd.DataFrame(columns))["v"]).shape == (2, 3)
    assert isinstance(like(result, pa.table(columns)), pa.Table)
    assert isinstance(like(result, columns), pl.DataFrame)
