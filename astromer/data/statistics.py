"""Hand-crafted statistics of light curves: targets of the summary objective, and controls in tables of scores."""

import numpy as np

from astromer.config.statistics import (
    PERIOD_BOUNDS_DAYS,
    PERIOD_CLASSES,
)
from astromer.data.periods import find_periods_of

HARMONICS = 4
NUM_HARMONIC = HARMONICS + 5  # statistics of `_harmonics`: amplitude, its ratios, four phases, residual
MAX_AMPLITUDE_RATIO = 10.0  # a larger one is that of a first harmonic near zero
TINY = 1e-9


def magnitude_statistics(magnitudes: np.ndarray, errors: np.ndarray) -> np.ndarray:
    """Describe the distribution of the magnitudes of one light curve, whatever their order.

    Args:
        magnitudes: `(points,)` mag.
        errors: `(points,)` mag, positive.

    Returns:
        float64 `(15,)`, in the order of `MAGNITUDE_STATISTICS`; percentiles are relative to the median.
    """
    p2, p5, p25, p50, p75, p95, p98 = np.percentile(magnitudes, [2, 5, 25, 50, 75, 95, 98])
    centred, std = magnitudes - magnitudes.mean(), magnitudes.std()
    standard = centred / max(std, TINY)
    pulls = np.abs(centred) / np.maximum(errors, TINY)
    return np.array(
        [
            std,
            np.median(np.abs(magnitudes - p50)),
            np.ptp(magnitudes) / 2,
            p75 - p25,
            (standard**3).mean(),
            (standard**4).mean() - 3,
            pulls.mean() / max(np.sqrt((pulls**2).mean()), TINY),
            (np.abs(standard) > 1).mean(),
            (np.abs(standard) > 2).mean(),
            *(p5 - p50, p25 - p50, p75 - p50, p95 - p50),
            (p98 + p2 - 2 * p50) / max(p98 - p2, TINY),
            (p75 - p25) / max(p98 - p2, TINY),
        ]
    )


def period_statistics(times: np.ndarray, magnitudes: np.ndarray, period: float, snr: float) -> np.ndarray:
    """Describe the order of the magnitudes of one light curve in time and in phase.

    Args:
        times: `(points,)` days, ascending.
        magnitudes: `(points,)` mag.
        period: days, 0 for none.
        snr: its signal-to-noise, as `astromer.data.periods` gives it.

    Returns:
        float64 `(15,)`, in the order of `PERIOD_STATISTICS`; what needs a period is 0 without one.
    """
    variance = max(magnitudes.var(), TINY)
    slope = np.polyfit(times - times.mean(), magnitudes, 1)[0] if np.ptp(times) > 0 else 0.0
    ordered = [_smoothness(magnitudes, variance), 0.0, 0.0, abs(slope) * np.ptp(times) / np.sqrt(variance)]
    if not period:
        return np.array([0.0, 0.0, *ordered, *np.zeros(NUM_HARMONIC)])
    for place, cycle in ((1, period), (2, 2 * period)):
        ordered[place] = _smoothness(magnitudes[np.argsort(times % cycle)], variance)
    return np.array([np.log10(period), np.log1p(snr), *ordered, *_harmonics(times, magnitudes, period, variance)])


def _smoothness(magnitudes: np.ndarray, variance: float) -> float:
    """Von Neumann's ratio: mean squared difference of successive magnitudes over their variance."""
    return float((np.diff(magnitudes) ** 2).mean() / variance) if len(magnitudes) > 1 else 0.0


def _harmonics(times: np.ndarray, magnitudes: np.ndarray, period: float, variance: float) -> np.ndarray:
    """Fit a Fourier series: log amplitude, ratios to it, relative phases, and the share of variance that is left."""
    orders = np.arange(1, HARMONICS + 1)
    angles = 2 * np.pi * (times / period % 1)[:, None] * orders
    design = np.concatenate([np.ones((len(times), 1)), np.cos(angles), np.sin(angles)], axis=1)
    coefficients = np.linalg.lstsq(design, magnitudes, rcond=1e-6)[0]
    waves = coefficients[1 : HARMONICS + 1] - 1j * coefficients[HARMONICS + 1 :]
    amplitudes = np.abs(waves) + TINY
    phi = np.angle(waves) - orders * np.angle(waves[0])
    residual = (magnitudes - design @ coefficients).var() / variance
    ratios = np.minimum(amplitudes[1:] / amplitudes[0], MAX_AMPLITUDE_RATIO)
    phases = [np.cos(phi[1]), np.sin(phi[1]), np.cos(phi[2]), np.sin(phi[2])]
    return np.array([np.log10(amplitudes[0]), *ratios, *phases, residual])


def light_curve_statistics(
    curves: list[tuple[np.ndarray, np.ndarray, np.ndarray]], period_factor: float = 1.0
) -> np.ndarray:
    """Compute all statistics of light curves.

    Args:
        curves: times [days, ascending], magnitudes and errors [mag] of each, `(points,)`.
        period_factor: multiplies the period before a light curve is folded with it.

    Returns:
        float64 `(curves, 30)`, in the order of `STATISTICS`.
    """
    periods = find_periods_of([(times, magnitudes) for times, magnitudes, _ in curves])
    rows = [
        np.concatenate([magnitude_statistics(m, e), period_statistics(t, m, period * period_factor, snr)])
        for (t, m, e), (period, snr, _) in zip(curves, periods, strict=True)
    ]
    return np.array(rows)


def normalised_ranks(values: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Replace each column of `values` `(n, k)` by its rank in `reference` `(m, k)`, of mean 0 and variance 1 there.

    Ties share their mean rank. Ranks are those of a uniform distribution, from -sqrt(3) to sqrt(3).
    """
    ranks = np.empty(values.shape, np.float32)
    for column in range(values.shape[1]):
        ordered = np.sort(reference[:, column])
        below, above = (np.searchsorted(ordered, values[:, column], side) for side in ("left", "right"))
        ranks[:, column] = ((below + above) / len(ordered) - 1) * np.sqrt(3)
    return ranks


def period_classes(log_periods: np.ndarray) -> np.ndarray:
    """Return the bin of each log10 period [days], int32: 48 bins of equal width from 0.05 to 3000 days."""
    low, high = np.log10(PERIOD_BOUNDS_DAYS)
    bins = np.floor((log_periods - low) / (high - low) * PERIOD_CLASSES)
    return np.clip(bins, 0, PERIOD_CLASSES - 1).astype(np.int32)
