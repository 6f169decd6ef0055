"""Periods against SciPy's periodogram and against the truth of simulated stars."""

import numpy as np
import polars as pl
import pytest
from scipy.signal import lombscargle

from astromer.errors import InputError
from astromer.evaluation.folding import find_ephemeris, periodogram
from astromer.surveys.simulation import SimulationSpec, simulate


def sine(period, *, points=150, span=200.0, noise=0.05, seed=0, nightly=False):
    rng = np.random.default_rng(seed)
    mjd = 50_000 + np.sort(rng.uniform(0, span, points))
    if nightly:
        mjd = np.round(mjd) + 0.3 + rng.uniform(0, 0.02, points)
    err_mag = noise * rng.uniform(0.5, 2, points)
    mag = 12 - 0.4 * np.cos(2 * np.pi * (mjd - 50_000.25) / period) + err_mag * rng.standard_normal(points)
    return mjd, mag, err_mag


def test_power_is_that_of_scipy():
    mjd, mag, err_mag = sine(3.3, points=60, span=30)
    power = periodogram(mjd, mag, err_mag, first=0.05, step=0.004, count=503)
    angular = 2 * np.pi * (0.05 + 0.004 * np.arange(503))
    expected = lombscargle(mjd, mag, angular, weights=err_mag**-2.0, floating_mean=True, normalize=True)
    np.testing.assert_allclose(power, expected, atol=1e-9)


@pytest.mark.parametrize(
    ("style", "classes"), [("macho", ["Cep_0", "Cep_1", "EC", "LPV", "RRab", "RRc"]), ("atlas", ["Mira"])]
)
def test_periods_of_simulated_stars(style, classes):
    number = 2 * len(classes)
    objects, observations = simulate(SimulationSpec("sim", style, number, 3, classes, 150), range(number))
    for star in objects.iter_rows(named=True):
        points = observations.filter(pl.col("id") == star["id"])
        found = find_ephemeris(*(points[name].to_numpy() for name in ("mjd", "mag", "err_mag")))
        cycles = 2 if star["class"] == "EC" else 1  # two minima a cycle
        span = np.ptp(points["mjd"].to_numpy())
        assert abs(1 / found.period_days - cycles / star["period_days"]) < 1 / span, (star, found)


def test_slow_variation_is_not_taken_for_its_daily_alias():
    mjd, mag, err_mag = sine(170, span=400, noise=0.01, nightly=True)
    assert find_ephemeris(mjd, mag, err_mag).period_days == pytest.approx(170, rel=0.03)


def test_phase_zero_is_the_maximum_of_light():
    mjd, mag, err_mag = sine(2.7, noise=0.01)
    found = find_ephemeris(mjd, mag, err_mag)
    assert found.period_days == pytest.approx(2.7, rel=1e-3)
    assert found.power > 0.95
    phases = found.phases(mjd)
    assert ((phases >= 0) & (phases < 1)).all()
    np.testing.assert_allclose(mag, 12 - 0.4 * np.cos(2 * np.pi * phases), atol=0.08)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m, y, e: (m[:4], y[:4], e[:4]), "at least 5 observations, found 4"),
        (lambda m, y, e: (m, y, 0 * e), "positive errors"),
        (lambda m, y, e: (m, np.where(m > m[9], np.nan, y), e), "finite"),
        (lambda m, y, e: (m, 0 * y + 12, e), "all magnitudes are equal"),
        (lambda m, y, e: (m[0] + 1e-4 * (m - m[0]), y, e), "expected observations over 0.08 days"),
    ],
)
def test_light_curves_without_a_period(change, message):
    with pytest.raises(InputError, match=message):
        find_ephemeris(*change(*sine(2.0)))
