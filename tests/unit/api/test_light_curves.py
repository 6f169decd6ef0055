"""Tables of any library are read into the same light curves, and a wrong one is named as what it is."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import astromer
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
    ragged = {"id": list(range(24)), **lists}
    for light_curves in (stars, tuple(stars), [star.tolist() for star in stars], objects, nested, ragged):
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
        ({"id": ["a", 3], "mjd": [1.0, 2.0], "mag": [1.0, "x"]}, "column 'mag' holds String, such as 'x' in row 1"),
        (
            {"id": ["a", "b"], "mjd": [1.0, 2.0], "mag": ["1.0", "2"]},
            "holds String, such as '1.0' in row 0; expected n",
        ),
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


@pytest.fixture(scope="module")
def of_bands(columns):
    """The same observations, every third of a star in the band g and the others in r."""
    number = pl.int_range(pl.len()).over("id")
    return pl.DataFrame(columns).with_columns(filter=pl.when(number % 3 == 0).then(pl.lit("g")).otherwise(pl.lit("r")))


def test_each_band_is_a_light_curve_and_a_star_is_their_mean(of_bands, small_v3):
    windows = astromer.encode(of_bands, small_v3, columns={"band": "filter"}, per="window")
    apart = of_bands.with_columns(id=pl.format("{} {}", "id", "filter"))
    expected = astromer.encode(apart.sort("id", maintain_order=True), small_v3, per="window")
    assert windows.select(pl.format("{} {}", "id", "band")).to_series().sort().equals(expected["id"].sort())
    expected = dict(zip(expected["id"], expected["embedding"].to_numpy(), strict=True))
    for star, band, vector in windows.select("id", "band", "embedding").iter_rows():
        np.testing.assert_allclose(vector, expected[f"{star} {band}"], atol=1e-5)
    stars = astromer.encode(of_bands.sample(fraction=1, shuffle=True, seed=1), small_v3, columns={"band": "filter"})
    assert stars["length"].sum() == of_bands.height
    assert sorted(stars["id"]) == sorted(of_bands["id"].unique())
    own = windows.filter(id="star 3")
    mean = np.average(own["embedding"].to_numpy(), axis=0, weights=own["length"].to_numpy())
    np.testing.assert_allclose(stars.filter(id="star 3")["embedding"].to_numpy()[0], mean, atol=1e-5)


def test_parts_of_curves_in_several_bands(of_bands):
    curves = read_curves(of_bands, {"band": "filter"})
    assert curves.bands.to_list() == ["g", "r"] * 24
    chosen = np.arange(24) % 5 == 2
    some = curves.only(chosen)
    pieces = [curves.slice(place, place + 1) for place in np.flatnonzero(chosen)]
    assert some.ids.to_list() == [piece.ids[0] for piece in pieces]
    assert some.stars.tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4][: 2 * chosen.sum()]
    np.testing.assert_array_equal(some.mag, np.concatenate([piece.mag for piece in pieces]))
    assert some.star_lengths.tolist() == [len(piece.mag) for piece in pieces]
    bands = pl.when(pl.int_range(pl.len()) != 5).then("filter")
    with pytest.raises(InputError, match="row 5 has no band"):
        read_curves(of_bands.with_columns(filter=bands), {"band": "filter"})
    with pytest.raises(InputError, match=r"no column 'band' for the band; .*\"band\": \"filter\""):
        read_curves(of_bands, {"band": "band"})


def test_tables_of_lists_with_bands(of_bands):
    expected = read_curves(of_bands, {"band": "filter"})
    per_star = of_bands.group_by("id", maintain_order=True).agg("mjd", "mag", "filter")
    per_band = of_bands.group_by("id", "filter", maintain_order=True).agg("mjd", "mag")
    for nested in (per_star, per_band):
        assert equal(read_curves(nested, {"band": "filter"}), expected)


def test_a_classifier_of_stars_in_two_bands(of_bands, kinds, small_v3):
    for head in ("logistic", "linear"):
        fitted = astromer.fit_classifier(of_bands, kinds, small_v3, head=head, columns={"band": "filter"})
        found = fitted.predict_proba(of_bands, columns={"band": "filter"})
        assert found["id"].to_list() == list(kinds)
        np.testing.assert_allclose(found.drop("id").to_numpy().sum(axis=1), 1, atol=1e-5)
