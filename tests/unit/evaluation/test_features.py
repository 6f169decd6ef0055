"""Features tell light curves apart by what they say they do, and by nothing else."""

import numpy as np
import polars as pl
import pytest

from astromer.config.statistics import MAGNITUDE_STATISTICS, STATISTICS
from astromer.errors import InputError
from astromer.evaluation import features as module
from astromer.evaluation.features import PERIOD_FEATURES, PREFIX, columns_of, failures, features_of

pytest.importorskip("light_curve")


def star(name: str, period: float = 0.567, seed: int = 0, points: int = 150, noise: float = 0.02) -> pl.DataFrame:
    """A sinusoid of amplitude 0.4 mag at irregular times over 900 days."""
    rng = np.random.default_rng(seed)
    mjd = np.sort(rng.uniform(51000, 51900, points))
    mag = 12 + 0.4 * np.sin(2 * np.pi * mjd / period) + rng.normal(0, noise, points)
    return pl.DataFrame({"id": name, "mjd": mjd, "mag": mag.astype("f4"), "err_mag": np.full(points, 0.02, "f4")})


def test_columns_are_the_statistics_and_those_of_light_curve():
    table = features_of(star("a"))
    names = table.columns[1:]
    assert (table.columns[0], tuple(names[: len(STATISTICS)])) == ("id", STATISTICS)
    assert len(names) > len(STATISTICS) + 20
    assert all(name.startswith(PREFIX) for name in names[len(STATISTICS) :])
    assert columns_of("statistics", table) == list(MAGNITUDE_STATISTICS)
    assert columns_of("period", table) == list(PERIOD_FEATURES)
    assert columns_of("features", table) == names


def test_statistics_equal_those_of_numpy():
    rows = star("a")
    mag = rows["mag"].to_numpy().astype(float)
    found = features_of(rows).row(0, named=True)
    assert found["std"] == pytest.approx(mag.std())
    assert found["half_range"] == pytest.approx(np.ptp(mag) / 2)
    assert found["p95"] == pytest.approx(np.quantile(mag, 0.95) - np.median(mag), abs=1e-6)
    assert found["beyond_1_std"] == pytest.approx(np.mean(np.abs(mag - mag.mean()) > mag.std()))


def test_statistics_of_magnitudes_know_neither_order_nor_brightness():
    rows = star("a")
    shuffled = rows.with_columns(mag=(rows["mag"] + 3).shuffle(seed=1))
    one, other = (features_of(table).select(MAGNITUDE_STATISTICS).to_numpy() for table in (rows, shuffled))
    np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


def test_pieces_do_not_matter(monkeypatch):
    """No feature depends on the stars that are read together."""
    rows = pl.concat([star(f"star {number}", seed=number, points=20 + 9 * number) for number in range(7)])
    whole = features_of(rows)
    assert whole["id"].to_list() == [f"star {number}" for number in range(7)]
    exact = ["id", *columns_of("statistics", whole), *(name for name in whole.columns if name.startswith(PREFIX))]
    for size in (10, 97, 1000):
        monkeypatch.setattr(module, "ROWS_AT_ONCE", size)
        found = features_of(rows.lazy())
        assert found.select(exact).equals(whole.select(exact))
        numbers = [table.drop("id").to_numpy() for table in (found, whole)]
        np.testing.assert_allclose(*numbers, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("period", [0.0731, 0.567, 3.21, 212.0])
def test_the_period_is_found(period):
    found = features_of(star("a", period)).row(0, named=True)
    assert 10 ** found["log_period"] == pytest.approx(period, rel=3e-3)
    assert 10 ** found["log_amplitude"] == pytest.approx(0.4, abs=0.03)
    assert found["eta_folded"] < 0.1
    noise = features_of(star("a", noise=20.0)).row(0, named=True)
    assert found["log_snr"] > noise["log_snr"]
    assert noise["eta_folded"] > 1


def test_a_wrong_period_spoils_everything_that_folds_and_nothing_else():
    right = features_of(star("a")).row(0, named=True)
    wrong = features_of(star("a"), period_factor=1.01).row(0, named=True)
    assert wrong["log_period"] - right["log_period"] == pytest.approx(np.log10(1.01))
    assert wrong["eta_folded"] > 10 * right["eta_folded"]
    assert 10 ** wrong["log_amplitude"] < 0.3 * 10 ** right["log_amplitude"]
    others = [*MAGNITUDE_STATISTICS, "log_snr", "eta", "trend", *(name for name in right if name.startswith(PREFIX))]
    assert [wrong[name] for name in others] == [right[name] for name in others]


def test_failures_are_null_and_listed():
    flat = star("flat", seed=2).with_columns(mag=pl.lit(12, pl.Float32))
    table = features_of(pl.concat([flat, star("good"), star("weak", points=3)]))
    assert table.filter(pl.col("id") == "good").select(pl.all_horizontal(pl.all().is_not_null())).item()
    assert table.select(pl.all_horizontal(pl.col(*STATISTICS).is_not_null()).all()).item()
    failed = {row["feature"]: row for row in failures(table).iter_rows(named=True)}
    assert failed
    assert all(name.startswith(PREFIX) for name in failed)
    assert {name for row in failed.values() for name in row["ids"]} <= {"flat", "weak"}
    assert all(row["objects"] == len(row["ids"]) for row in failed.values())


def test_what_cannot_be_described_is_named():
    with pytest.raises(InputError, match="kind of features is 'magic'"):
        columns_of("magic", features_of(star("a")))
    with pytest.raises(InputError, match="not sorted by id"):
        features_of(pl.concat([star("b"), star("a")]))
    with pytest.raises(InputError, match="no observations"):
        features_of(star("a").head(0))


def test_of_several_bands_the_longest_is_described():
    bands = [star("a", 0.567, points=60), star("a", 2.3, points=150), star("b", 0.4, points=80)]
    several = pl.concat(rows.with_columns(band=pl.lit(band)) for rows, band in zip(bands, "gri", strict=True))
    assert features_of(several).equals(features_of(pl.concat(bands[1:])))
