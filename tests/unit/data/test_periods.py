"""Periods of known sinusoids, of windows without a period, and against a periodogram of another package."""

import numpy as np
import pytest
from scipy.signal import lombscargle

from astromer.data.periods import find_periods, find_periods_of, fit_sinusoids

RNG = np.random.default_rng(1)


def curve(period, *, points=80, span=900.0, noise=0.1, seed=0):
    """Times [days] and magnitudes of a sinusoid of amplitude 1 that is brightest at time 3."""
    rng = np.random.default_rng(seed)
    times = np.sort(rng.uniform(0, span, points))
    return times, 12 - np.cos(2 * np.pi * (times - 3) / period) + noise * rng.normal(size=points)


@pytest.mark.parametrize("period", [0.0712, 0.31, 0.567891, 2.5, 31.0, 333.0, 700.0])
def test_the_period_and_brightest_phase_of_a_sinusoid_are_found(period):
    times, magnitudes = curve(period)
    found, snr, brightest = find_periods_of([(times, magnitudes)])[0]
    assert abs(1 / found - 1 / period) < 0.1 / 900
    assert snr == pytest.approx(50, rel=0.6)
    cycles = (brightest - 3) / period
    assert abs(cycles - round(cycles)) < 0.1


def test_curves_of_different_lengths_do_not_disturb_each_other():
    curves = [curve(period, points=points, span=span) for period, points, span in ((0.4, 60, 50), (5, 90, 3000))]
    together = find_periods_of(curves)
    np.testing.assert_allclose(together[:, 0], [0.4, 5], rtol=2e-3)


def test_the_peak_is_as_high_as_that_of_an_exhaustive_search():
    for seed in range(5):
        times, magnitudes = curve(1.234, noise=1.0, points=60, span=40.0, seed=seed)
        frequencies = np.arange(1 / 80, 20, 1 / 400)
        residual = magnitudes - magnitudes.mean()
        highest = fit_sinusoids(times, residual, frequencies)[:, 0].max()
        found = fit_sinusoids(times, residual, 1 / find_periods_of([(times, magnitudes)])[:1, 0])[0, 0]
        assert found > 0.98 * highest


def test_fits_explain_what_a_floating_mean_periodogram_says():
    times, magnitudes = curve(2.0, noise=0.5)
    frequencies = np.linspace(0.3, 3, 50)
    power = lombscargle(times, magnitudes, 2 * np.pi * frequencies, floating_mean=True, normalize=True)
    fits = fit_sinusoids(times, magnitudes - magnitudes.mean(), frequencies)
    np.testing.assert_allclose(fits[:, 0], power, atol=1e-6)


def test_points_that_are_not_chosen_have_no_influence():
    times, magnitudes = (np.tile(values, (2, 1)) for values in curve(0.8))
    chosen = np.random.default_rng(2).random(times.shape) < 0.6
    chosen[1] = chosen[0]
    magnitudes[1, ~chosen[1]] = 99.0
    first, second = find_periods(times, magnitudes, chosen)
    np.testing.assert_array_equal(first, second)
    assert first[0] == pytest.approx(0.8, rel=1e-3)


@pytest.mark.parametrize(
    ("times", "magnitudes"),
    [
        ([], []),
        ([1.0, 2, 3, 4], [1.0, 2, 1, 2]),
        (np.arange(20.0), np.full(20, 11.5)),
        (np.linspace(0, 0.9, 20), RNG.normal(size=20)),
        (np.full(20, 7.0), RNG.normal(size=20)),
    ],
    ids=["no points", "four points", "constant", "less than a day", "one time"],
)
def test_windows_without_a_period_give_zeros(times, magnitudes):
    np.testing.assert_array_equal(find_periods_of([(np.array(times), np.array(magnitudes))]), np.zeros((1, 3)))


def test_five_points_and_repeated_times_give_finite_values():
    times = np.array([0.0, 0, 1, 1, 2])
    found = find_periods_of([(times, RNG.normal(size=5)), (np.arange(5.0), RNG.normal(size=5))])
    assert np.isfinite(found).all()
    assert (found[:, 0] > 0).all()


def test_several_periods_are_those_of_different_peaks_the_best_first():
    times = np.sort(RNG.uniform(0, 400, 300))
    magnitudes = np.sin(2 * np.pi * times / 0.7) + 0.6 * np.sin(2 * np.pi * times / 13.0) + RNG.normal(0, 0.05, 300)
    (first, _, _, second, _, _, third, _, _) = find_periods_of([(times, magnitudes)], 3)[0]
    np.testing.assert_allclose([first, second], [0.7, 13.0], rtol=0.01)
    assert abs(1 / third - 1 / first) > 1 / 400
    assert abs(1 / third - 1 / second) > 1 / 400
    np.testing.assert_array_equal(
        find_periods_of([(times, magnitudes)], 3)[0, :3], find_periods_of([(times, magnitudes)])[0]
    )


def test_periods_that_a_light_curve_does_not_have_are_zero():
    found = find_periods_of(
        [(np.arange(5.0) / 3, np.array([0.0, 1.0, 0.0, 1.0, 0.2])), (np.arange(2.0), np.ones(2))], 40
    )
    assert found.shape == (2, 120)
    assert found[0, 0] > 0
    np.testing.assert_array_equal(found[0, -3:], 0)
    np.testing.assert_array_equal(found[1], 0)
