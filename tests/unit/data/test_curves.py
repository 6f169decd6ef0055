"""Light curves of a table give the same windows as those of records, a piece at a time."""

import numpy as np
import polars as pl
import pytest
from example_records import stars

from astromer.data.batches import plain_batches
from astromer.data.curves import table_batches
from astromer.data.parsing import read_records
from astromer.data.pieces import whole_objects
from astromer.data.records import write_records
from astromer.errors import InputError

OPTIONS = {"window": 40, "batch_size": 5}


@pytest.fixture(scope="module")
def observations():
    return stars()[1]


def rows(batches):
    """All points of each window by object and start."""
    found = {}
    for batch in batches:
        arrays = {name: batch[name].numpy() for name in batch}
        for row, (name, start) in enumerate(zip(arrays["id"], arrays["start"], strict=True)):
            length = arrays["length"][row]
            points = [arrays[key][row, :length, 0] for key in ("times", "magnitudes", "valid")]
            assert not arrays["valid"][row, length:].any()
            found[name.decode(), int(start)] = np.stack(points), arrays["periods"][row]
    return found


@pytest.mark.parametrize("pad_multiple", [None, 25])
def test_windows_are_those_of_records(observations, tmp_path, pad_multiple):
    write_records(observations, stars()[0], tmp_path / "stars.tfrecord")
    options = OPTIONS | {"pad_multiple": pad_multiple, "num_periods": 1}
    expected = rows(plain_batches([tmp_path / "stars.tfrecord"], **options))
    found = rows(table_batches(observations, **options))
    assert found.keys() == expected.keys()
    assert len(found) > observations["id"].n_unique()
    for key, arrays in found.items():
        for ours, theirs in zip(arrays, expected[key], strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5)


def test_batches_are_padded_to_the_longest_of_a_batch(observations):
    widths = [
        batch["times"].shape[1] for batch in table_batches(observations, **OPTIONS, pad_multiple=10, num_periods=0)
    ]
    assert widths == sorted(widths)
    assert {*widths} <= {10, 20, 30, 40}


@pytest.mark.parametrize("rows_at_once", [1, 50, 10_000])
def test_pieces_hold_whole_objects(observations, rows_at_once):
    pieces = list(whole_objects(observations.lazy(), rows_at_once))
    assert pl.concat(pieces).equals(observations.select("id", "mjd", "mag", "err_mag"))
    assert sum(piece["id"].n_unique() for piece in pieces) == observations["id"].n_unique()
    assert list(whole_objects(observations.lazy().head(0), rows_at_once)) == []


def test_unsorted_observations_are_an_error(observations):
    with pytest.raises(InputError, match="not sorted by id"):
        list(whole_objects(observations.reverse().lazy(), 50))


def test_bands_are_light_curves_of_one_object(observations, tmp_path):
    """The windows of an object in two bands are those of two objects with one band each, told apart by their starts."""
    number = pl.int_range(pl.len()).over("id")
    bands = observations.with_columns(band=pl.when(number % 3 == 0).then(pl.lit("g")).otherwise(pl.lit("r")))
    bands = bands.sort("id", "band", "mjd")
    apart = bands.with_columns(id=pl.format("{} {}", "id", "band")).drop("band")
    lengths = bands.group_by("id").agg(pl.col("band").eq("g").sum())
    num_first = dict(lengths.iter_rows())
    expected = rows(table_batches(apart, **OPTIONS, pad_multiple=25, num_periods=1))
    as_one = {
        (key[:-2], start + num_first[key[:-2]] * key.endswith("r")): found for (key, start), found in expected.items()
    }
    write_records(bands, stars()[0], tmp_path / "bands.tfrecord")
    options = OPTIONS | {"pad_multiple": 25, "num_periods": 1}
    for batches in (table_batches(bands, **options), plain_batches([tmp_path / "bands.tfrecord"], **options)):
        found = rows(batches)
        assert found.keys() == as_one.keys()
        for key, arrays in found.items():
            for ours, theirs in zip(arrays, as_one[key], strict=True):
                np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5)
    light_curves, _ = read_records(tmp_path / "bands.tfrecord")
    assert light_curves["id"].to_list() == [name for name in stars()[0]["id"].sort() for _ in "gr"]
    assert set(light_curves["band"]) == {"g", "r"}
