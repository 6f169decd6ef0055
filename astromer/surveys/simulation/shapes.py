"""Light curve shapes of simulated variable stars: one function per kind draws periods, amplitudes and templates.

A template is one cycle of the light curve in magnitudes (larger is fainter) at `GRID` equidistant phases. Phase 0 is
the maximum of light of a pulsating star and the primary minimum of an eclipsing binary. Pulsating stars are Fourier
series `sum_k A_k cos(2 pi k phase + phi_k)`, given by the usual amplitude ratios R_k1 = A_k / A_1 and phases
phi_k1 = phi_k - k phi_1.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

GRID = 1024
NOISE_TERMS = 12

_PHASES = np.arange(GRID) / GRID
_TURNS = 2 * np.pi * _PHASES
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Shapes:
    """Intrinsic light curves of `n` stars of one kind.

    Attributes:
        period: `(n,)` days; for a star without a period, its longest time scale.
        amplitude: `(n,)` magnitudes from peak to peak; for a star without a period, four standard deviations.
        template: `(n, GRID)` one cycle in magnitudes, with mean zero; zero for a star without a period.
        wander: difference between successive cycles, relative to the amplitude; 0 for a strictly periodic star.
        periodic: whether the stars have a period.
    """

    period: Array
    amplitude: Array
    template: Array
    wander: float = 0.0
    periodic: bool = True


def truncated_normal(rng: np.random.Generator, mean: Array | float, sigma: float, low: float, high: float) -> Array:
    """Draw from a normal distribution truncated at `low` and `high`, one value per element of `mean`."""
    from scipy.special import ndtr, ndtri  # here, because every plan of a run imports this module, and SciPy is 27 MB

    bottom, top = ndtr((low - np.asarray(mean)) / sigma), ndtr((high - np.asarray(mean)) / sigma)
    return np.clip(mean + sigma * ndtri(rng.uniform(bottom, top)), low, high)


def log_uniform(rng: np.random.Generator, low: float, high: float, count: int) -> Array:
    """Draw `count` values whose logarithm is uniform between those of `low` and `high`."""
    return np.exp(rng.uniform(np.log(low), np.log(high), count))


def rr_lyrae_ab(rng: np.random.Generator, count: int) -> Shapes:
    """Draw RR Lyrae in the fundamental mode: a sawtooth, with smaller amplitude and rounder for longer periods."""
    period = truncated_normal(rng, np.full(count, 0.57), 0.075, 0.45, 0.80)
    amplitude = np.clip(rng.normal(1.0 - 2.3 * (period - 0.5), 0.12), 0.25, 1.4)
    crispness = np.clip(rng.normal(0.85 + 0.25 * (amplitude - 0.6), 0.03), 0.6, 1.1)
    orders = np.arange(1, 8)
    ratios = np.array([1.0, 0.48, 0.35, 0.24, 0.16, 0.11, 0.07]) * crispness[:, None] ** (orders - 1)
    phi21 = rng.normal(4.0 + 1.5 * (period - 0.55), 0.08)
    phases = phi21[:, None] - 2.0 * (orders - 2)
    phases[:, 0] = 0.0
    return _pulsator(period, amplitude, ratios, phases)


def rr_lyrae_c(rng: np.random.Generator, count: int) -> Shapes:
    """Draw RR Lyrae in the first overtone: nearly a sine, with a small hump before the maximum."""
    period = truncated_normal(rng, np.full(count, 0.33), 0.035, 0.25, 0.40)
    amplitude = rng.uniform(0.25, 0.52, count)
    return _pulsator(
        period, amplitude, *_three_terms(rng.uniform(0.06, 0.18, count), 0.06, rng.normal(4.7, 0.15, count))
    )


def cepheid_fundamental(rng: np.random.Generator, count: int) -> Shapes:
    """Draw classical Cepheids in the fundamental mode, with a bump whose phase depends on the period.

    This is the Hertzsprung progression: for periods below 10 days the bump is on the descending branch, and closer to
    the maximum for longer periods; at 10 days it cancels the second harmonic; beyond, it is on the rising branch.
    """
    log_period = truncated_normal(rng, np.full(count, 0.65), 0.28, 0.0, 1.7)
    distance = log_period - 1.0
    dip = np.exp(-((distance / 0.16) ** 2))
    before, after = (np.exp(-np.abs(distance) / 0.22) * side for side in (distance < 0, distance >= 0))
    second = np.clip(rng.normal(0.46 - 0.30 * dip, 0.03), 0.08, None)
    third = np.clip(rng.normal(0.26 - 0.14 * dip, 0.02), 0.04, None)
    phi21 = rng.normal(4.2 + 1.1 * before - 0.5 * after, 0.06)
    phi31 = rng.normal(2.1 + 1.9 * before - 1.0 * after, 0.08)
    lag = phi31 - phi21 - 2 * np.pi
    ratios = np.stack([np.ones(count), second, third, 0.5 * third, 0.2 * third], axis=1)
    phases = np.stack([np.zeros(count), phi21, phi31, phi31 + lag, phi31 + 2 * lag], axis=1)
    amplitude = np.clip(rng.normal(0.72 - 0.20 * dip + 0.15 * after, 0.15), 0.2, 1.3)
    return _pulsator(10.0**log_period, amplitude, ratios, phases)


def cepheid_overtone(rng: np.random.Generator, count: int) -> Shapes:
    """Draw classical Cepheids in the first overtone: smaller and more sinusoidal, in particular near 3 days."""
    log_period = truncated_normal(rng, np.full(count, 0.33), 0.20, np.log10(0.5), np.log10(6.0))
    dip = np.exp(-(((log_period - np.log10(3.0)) / 0.15) ** 2))
    second = np.clip(rng.normal(0.20 - 0.13 * dip, 0.02), 0.03, None)
    phi21 = rng.normal(4.2 + 1.2 * (log_period - 0.3), 0.12)
    amplitude = np.clip(rng.normal(0.36, 0.08, count), 0.12, 0.65)
    return _pulsator(10.0**log_period, amplitude, *_three_terms(second, 0.05, phi21))


def delta_scuti(rng: np.random.Generator, count: int) -> Shapes:
    """Draw high-amplitude delta Scuti stars: fast, slightly asymmetric pulsators."""
    period, amplitude = log_uniform(rng, 0.06, 0.2, count), rng.uniform(0.15, 0.55, count)
    return _pulsator(period, amplitude, *_three_terms(rng.uniform(0.2, 0.4, count), 0.12, rng.normal(4.0, 0.1, count)))


def contact_binary(rng: np.random.Generator, count: int) -> Shapes:
    """Draw W UMa stars: continuous variation, broad maxima, two narrower minima of almost equal depth."""
    period = np.exp(truncated_normal(rng, np.full(count, np.log(0.37)), 0.3, np.log(0.22), np.log(1.2)))
    amplitude = rng.uniform(0.18, 0.75, count)
    narrowness, inequality = rng.uniform(0.10, 0.28, count), rng.uniform(0.0, 0.12, count)
    spots = rng.normal(0.0, 0.02, count)
    waves = np.stack([np.cos(2 * _TURNS), np.cos(4 * _TURNS), np.cos(6 * _TURNS), np.cos(_TURNS), np.sin(_TURNS)])
    weights = np.stack([np.ones(count), narrowness, 0.25 * narrowness, inequality, spots], axis=1)
    return _scaled(period, amplitude, weights @ waves)


def detached_binary(rng: np.random.Generator, count: int) -> Shapes:
    """Draw Algol-like binaries: nearly flat except for two unequal eclipses; one orbit in three is eccentric."""
    period = log_uniform(rng, 0.8, 12.0, count)
    width = rng.uniform(0.014, 0.036, count) * (period / 3.0) ** -0.25
    flatness = rng.uniform(0.7, 2.2, count)
    secondary_phase = 0.5 + rng.normal(0.0, 0.05, count) * (rng.random(count) < 1 / 3)
    eclipses = _eclipse(_PHASES, width, flatness)
    eclipses += rng.uniform(0.15, 0.85, (count, 1)) * _eclipse(_PHASES - secondary_phase[:, None], width, flatness)
    tides = rng.uniform(0.0, 0.03, (count, 1)) * np.cos(2 * _TURNS)
    return _scaled(period, rng.uniform(0.3, 1.3, count), eclipses + tides)


def long_period_variable(rng: np.random.Generator, count: int) -> Shapes:
    """Draw semi-regular red giants of 80 to 600 days, whose cycles differ in height, level and length."""
    period = log_uniform(rng, 80.0, 600.0, count)
    amplitude = np.minimum(1.2 * (period / 220.0) ** 0.7 * rng.lognormal(0.0, 0.3, count), 3.0)
    series = _three_terms(rng.uniform(0.05, 0.25, count), 0.05, rng.normal(4.2, 0.4, count))
    return _pulsator(period, amplitude, *series, wander=0.28)


def mira(rng: np.random.Generator, count: int) -> Shapes:
    """Draw Miras of 130 to 550 days: at least 2 magnitudes from peak to peak, more regular than other red giants."""
    period = np.exp(truncated_normal(rng, np.full(count, np.log(280.0)), 0.35, np.log(130.0), np.log(550.0)))
    amplitude = np.clip(rng.normal(3.2, 0.7, count), 2.0, 5.5)
    series = _three_terms(rng.uniform(0.1, 0.3, count), 0.05, rng.normal(4.2, 0.3, count))
    return _pulsator(period, amplitude, *series, wander=0.12)


def irregular(rng: np.random.Generator, count: int) -> Shapes:
    """Draw stars without a period: red noise."""
    longest, amplitude = log_uniform(rng, 200.0, 1500.0, count), log_uniform(rng, 0.15, 0.9, count)
    return Shapes(longest, amplitude, np.zeros((count, GRID)), periodic=False)


KINDS: dict[str, Callable[[np.random.Generator, int], Shapes]] = {
    kind.__name__: kind
    for kind in (
        rr_lyrae_ab,
        rr_lyrae_c,
        cepheid_fundamental,
        cepheid_overtone,
        delta_scuti,
        contact_binary,
        detached_binary,
        long_period_variable,
        mira,
        irregular,
    )
}


def red_noise(rng: np.random.Generator, days: Array, star: NDArray[np.int64], longest: Array) -> Array:
    """Draw irregular light curves as sums of sines with random periods of 1 day or more and more power at long periods.

    Args:
        rng: source of the random periods and phases.
        days: `(points,)` times.
        star: `(points,)` index of each point's star in `longest`.
        longest: `(stars,)` longest period, days.

    Returns:
        `(points,)`, with mean zero and unit variance over times much longer than `longest`.
    """
    total = np.zeros_like(days)
    steps = rng.random((NOISE_TERMS, len(longest))) + np.arange(NOISE_TERMS)[:, None]
    periods = longest ** (steps / NOISE_TERMS)
    strengths = periods**0.35
    strengths /= np.sqrt(0.5 * (strengths**2).sum(axis=0))
    for period, strength, phase in zip(periods, strengths, rng.random(periods.shape), strict=True):
        total += strength[star] * np.sin(2 * np.pi * (days / period[star] + phase[star]))
    return total


def _pulsator(period: Array, amplitude: Array, ratios: Array, phases: Array, wander: float = 0.0) -> Shapes:
    """Sum the Fourier series with ratios R_k1 and phases phi_k1, `(n, orders)`; phase 0 is the maximum of light."""
    turns = np.arange(1, ratios.shape[1] + 1)[:, None] * _TURNS
    series = (ratios * np.cos(phases)) @ np.cos(turns) - (ratios * np.sin(phases)) @ np.sin(turns)
    maximum = series.argmin(axis=1)[:, None]
    return _scaled(period, amplitude, np.take_along_axis(series, (maximum + np.arange(GRID)) % GRID, axis=1), wander)


def _scaled(period: Array, amplitude: Array, template: Array, wander: float = 0.0) -> Shapes:
    """Shift templates to mean zero and scale them to their amplitude."""
    centred = template - template.mean(axis=1, keepdims=True)
    return Shapes(period, amplitude, centred * (amplitude / np.ptp(centred, axis=1))[:, None], wander)


def _three_terms(second: Array, third: float, phi21: Array) -> tuple[Array, Array]:
    """Return ratios and phases, each `(n, 3)`, of a series of three terms with phi_31 = 2 phi_21."""
    ratios = np.stack([np.ones_like(second), second, np.full_like(second, third)], axis=1)
    return ratios, np.stack([np.zeros_like(phi21), phi21, 2 * phi21], axis=1)


def _eclipse(phases: Array, width: Array, flatness: Array) -> Array:
    """Compute an eclipse of depth 1 at phase 0: bell-shaped for small `flatness`, with a flat bottom for large."""
    distance = np.abs((phases + 0.5) % 1.0 - 0.5) / width[:, None]
    bell = np.exp(1.0 - np.cosh(np.minimum(distance, 6.0)))
    return 1.0 - (1.0 - bell) ** flatness[:, None]
