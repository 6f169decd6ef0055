"""Streaming histograms against numpy on the whole data."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from astromer.errors import InputError
from astromer.evaluation import distributions
from astromer.evaluation.distributions import count_values, magnitude_histogram, summary_table, time_step_histogram

SETTINGS = settings(max_examples=25, deadline=None)


def light_curves(rng: np.random.Generator, num_objects: int, first: int = 0) -> pl.DataFrame:
    """Observations sorted by id and time, some of them at the same time."""
    parts = []
    for number in range(first, first + num_objects):
        size = int(rng.integers(1, 40))
        steps = 10 ** rng.uniform(-4, 3, size) * (rng.random(size) > 0.1)
        parts.append(
            pl.DataFrame(
                {
                    "id": [f"star {number:05d}"] * size,
                    "mjd": 50_000 + np.cumsum(steps),
                    "mag": rng.normal(-5, 2, size).astype(np.float32),
                }
            )
        )
    return pl.concat(parts)


def write_shards(folder, shards, row_group_size):
    paths = [folder / f"{number}.parquet" for number in range(len(shards))]
    for path, shard in zip(paths, shards, strict=True):
        shard.write_parquet(path, row_group_size=row_group_size)
    return paths


def assert_summarises(histogram, values, tolerance):
    """`tolerance(value)` is half a bin at `value`."""
    assert histogram.num_values == len(values)
    assert histogram.minimum == values.min()
    assert histogram.maximum == values.max()
    assert histogram.mean == pytest.approx(values.mean(), rel=1e-9)
    assert histogram.std == pytest.approx(values.std(), rel=1e-6, abs=1e-9)
    for fraction in (0.001, 0.05, 0.25, 0.5, 0.75, 0.95, 0.999, 1.0):
        exact = np.quantile(values, fraction, method="inverted_cdf")
        assert abs(histogram.quantile(fraction) - exact) <= tolerance(exact)


@SETTINGS
@given(st.integers(0, 2**32 - 1), st.integers(1, 50), st.integers(1, 300))
def test_magnitudes_equal_numpy(tmp_path_factory, seed, row_group_size, batch_rows):
    rng = np.random.default_rng(seed)
    shards = [light_curves(rng, 5), light_curves(rng, 3, first=5)]
    paths = write_shards(tmp_path_factory.mktemp("mag"), shards, row_group_size)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(distributions, "BATCH_ROWS", batch_rows)
        histogram = magnitude_histogram(paths, bin_width=0.05)
    values = pl.concat(shards)["mag"].to_numpy().astype(np.float64)
    assert_summarises(histogram, values, lambda _: 0.025 + 1e-9)
    bins = np.rint(values / 0.05).astype(int)
    np.testing.assert_array_equal(histogram.counts, np.bincount(bins - bins.min()))
    assert histogram.first == bins.min()


@SETTINGS
@given(st.integers(0, 2**32 - 1), st.integers(1, 50), st.integers(1, 300))
def test_time_steps_equal_numpy_across_row_groups(tmp_path_factory, seed, row_group_size, batch_rows):
    rng = np.random.default_rng(seed)
    shards = [light_curves(rng, 5), light_curves(rng, 3, first=5)]
    paths = write_shards(tmp_path_factory.mktemp("steps"), shards, row_group_size)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(distributions, "BATCH_ROWS", batch_rows)
        histogram = time_step_histogram(paths)
    steps = pl.concat(shards).select(pl.col("mjd").diff().over("id")).drop_nulls()["mjd"].to_numpy()
    assert histogram.zeros == (steps == 0).sum()
    positive = steps[steps > 0]
    assert_summarises(histogram, positive, lambda exact: exact * (10**0.005 - 1 + 1e-9))


def test_the_last_object_of_a_file_does_not_go_on_in_the_next(tmp_path):
    shard = pl.DataFrame({"id": ["a", "a"], "mjd": [1.0, 3.0]})
    paths = write_shards(tmp_path, [shard, shard.with_columns(pl.col("mjd") + 100)], 10)
    histogram = time_step_histogram(paths)
    assert (histogram.num_values, histogram.minimum, histogram.maximum) == (2, 2.0, 2.0)


@SETTINGS
@given(st.lists(st.floats(-30, 30, width=32), min_size=1, max_size=50), st.integers(0, 50), st.integers(1, 9))
def test_histograms_add_up_and_rebin_without_loss(values, cut, factor):
    values = np.array(values)

    def count(part):
        return count_values(part, 0.01, logarithmic=False, source="test")

    joined, whole = count(values[:cut]) + count(values[cut:]), count(values)
    np.testing.assert_array_equal(joined.counts, whole.counts)
    assert joined.first == whole.first
    assert joined.mean == pytest.approx(whole.mean, abs=1e-9)
    assert joined.std == pytest.approx(whole.std, abs=1e-6)
    counts, edges = whole.rebin(factor)
    places = np.searchsorted(edges, np.rint(values / 0.01) * 0.01) - 1
    np.testing.assert_array_equal(counts, np.bincount(places, minlength=len(counts)))


def test_histograms_of_different_grids_do_not_add_up():
    fine, coarse = (count_values(np.ones(1), width, logarithmic=False, source="test") for width in (0.01, 0.02))
    with pytest.raises(ValueError, match="grids"):
        fine + coarse


def test_magnitudes_with_two_decimals_fall_into_their_own_bins(tmp_path):
    values = np.arange(1000, 1100) / 100
    pl.DataFrame({"mag": values.astype(np.float32)}).write_parquet(tmp_path / "a.parquet")
    np.testing.assert_array_equal(magnitude_histogram([tmp_path / "a.parquet"]).counts, np.ones(100))


def test_summary_table(tmp_path):
    paths = write_shards(tmp_path, [pl.DataFrame({"id": list("aaab"), "mjd": [1.0, 1.0, 3.0, 9.0]})], 2)
    table = summary_table({"sim": time_step_histogram(paths)}, ["sim"])
    row = table.row(0, named=True)
    assert (row["survey"], row["data"], row["num_values"], row["num_zero"]) == ("sim", "simulated", 1, 1)
    assert row["min"] == row["median"] == row["max"] == row["mean"] == 2.0


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"id": ["a", "a"], "mjd": [2.0, 1.0]}, "sorted"),
        ({"id": ["a", "a"], "mjd": [1.0, float("nan")]}, "finite"),
        ({"id": ["a", "a"], "mjd": [1.0, None]}, "empty cells"),
        ({"id": ["a", "a"], "time": [1.0, 2.0]}, "mjd"),
    ],
)
def test_broken_times_are_refused(tmp_path, columns, message):
    pl.DataFrame(columns).write_parquet(tmp_path / "broken.parquet")
    with pytest.raises(InputError, match=rf"broken\.parquet.*{message}"):
        time_step_histogram([tmp_path / "broken.parquet"])


@pytest.mark.parametrize("magnitude", [float("nan"), float("inf"), 1e30, None])
def test_broken_magnitudes_are_refused(tmp_path, magnitude):
    pl.DataFrame({"mag": pl.Series([15.0, magnitude], dtype=pl.Float32)}).write_parquet(tmp_path / "broken.parquet")
    with pytest.raises(InputError, match=r"broken\.parquet"):
        magnitude_histogram([tmp_path / "broken.parquet"])


def test_nothing_to_count_is_an_error(tmp_path):
    with pytest.raises(InputError, match="at least one file"):
        magnitude_histogram([])
    pl.DataFrame({"id": ["a"], "mjd": [1.0]}).write_parquet(tmp_path / "single.parquet")
    histogram = time_step_histogram([tmp_path / "single.parquet"])
    assert histogram.num_values == 0
    with pytest.raises(InputError, match="no values"):
        histogram.quantile(0.5)


def test_time_steps_do_not_cross_from_one_band_to_the_next(tmp_path):
    table = light_curves(np.random.default_rng(2), 30)
    bands = table.with_columns(band=pl.when(pl.int_range(pl.len()) % 2 == 0).then(pl.lit("g")).otherwise(pl.lit("r")))
    bands = bands.sort("id", "band", "mjd")
    apart = bands.with_columns(id=pl.format("{} {}", "id", "band")).drop("band")
    (tmp_path / "apart").mkdir()
    paths = [write_shards(tmp_path, [bands], 7), write_shards(tmp_path / "apart", [apart], 7)]
    one, other = (time_step_histogram(path, 0.1) for path in paths)
    assert (one.num_values, one.zeros, one.minimum, one.maximum) == (
        other.num_values,
        other.zeros,
        other.minimum,
        other.maximum,
    )
