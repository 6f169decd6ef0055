"""The period of a light curve: the highest peak of its Lomb-Scargle periodogram, refined, for many curves at once.

A fast Fourier transform of the magnitudes on a fine grid of times proposes peaks; least-squares fits of a sinusoid and
a constant (Zechmeister & Kürster 2009, A&A 496, 577) decide between them and refine the best. Several
rows are transformed at once, which is faster than one by one; `benchmarks/bench_periods.py` has the cost.
"""

from collections.abc import Iterator

import numpy as np
from scipy import fft

MAX_FREQUENCY = 20.0  # cycles per day: delta Scuti stars, and contact binaries at half their period
MIN_CYCLES = 0.5  # of the lowest frequency, in a window
OVERSAMPLING = 3  # frequencies per 1 / time span
CELLS_PER_CYCLE = 3  # cells of the time grid in a cycle of the highest frequency
CANDIDATES = 12
REFINEMENTS = 3  # least-squares fits; each is on frequencies three times as close as the one before
ROWS_AT_ONCE = 8
CELLS_AT_ONCE = 2**24  # of the grids that are transformed at once: bounds the memory for long light curves
VALUES_AT_ONCE = 2**24  # points times frequencies in a least-squares fit: bounds the memory
MIN_POINTS = 5
MIN_SPAN_DAYS = 1.0
MIN_STD_MAG = 1e-6
MAX_SNR = 1e3


def find_periods(times: np.ndarray, magnitudes: np.ndarray, chosen: np.ndarray, number: int = 1) -> np.ndarray:
    """Return the periods of each window, from its chosen points only.

    Args:
        times: `(windows, points)` days, from any origin near the window.
        magnitudes: `(windows, points)` mag.
        chosen: bool `(windows, points)`; nothing of the other points is used.
        number: how many periods to return, those of the best peaks, the best first.

    Returns:
        float64 `(windows, 3 * number)`, for each period: period [days]; signal-to-noise, the variance that the sinusoid
        explains over that of the residuals; and a time at which the sinusoid is brightest [days]. All 0 for a window
        without a period: fewer than 5 points, less than a day, or constant magnitudes; and 0 for periods that the
        window does not have.
    """
    rows = zip(times, magnitudes, chosen, strict=True)
    return find_periods_of([(t[use], m[use]) for t, m, use in rows], number)


def find_periods_of(curves: list[tuple[np.ndarray, np.ndarray]], number: int = 1) -> np.ndarray:
    """Return what `find_periods` does for light curves of any length: times [days] and magnitudes, `(points,)` each."""
    periods = np.zeros((len(curves), number, 3))
    usable, centred = [], []
    for row, (t, m) in enumerate(curves):
        times, magnitudes = np.asarray(t, np.float64), np.asarray(m, np.float64)
        if len(times) >= MIN_POINTS and np.ptp(times) >= MIN_SPAN_DAYS and magnitudes.std() >= MIN_STD_MAG:
            usable.append(row)
            centred.append((times.mean(), times - times.mean(), magnitudes - magnitudes.mean()))
    spans = np.array([_rounded_span(times) for _, times, _ in centred])
    for group in _groups(spans):
        proposed = propose_frequencies([centred[place][1:] for place in group], spans[group[0]])
        for place, (frequencies, step) in zip(group, proposed, strict=True):
            origin, times, magnitudes = centred[place]
            for rank, peak in enumerate(_best_peaks(times, magnitudes, frequencies, step, number)):
                period, snr, brightest = _refine(times, magnitudes, peak, step / 3)
                periods[usable[place], rank] = period, snr, origin + brightest
    return periods.reshape(len(curves), 3 * number)


def _rounded_span(times: np.ndarray) -> float:
    """Round the time span [days] up to a power of sqrt(2), so that curves share grids that do not depend on others."""
    return float(2 ** (np.ceil(2 * np.log2(np.ptp(times))) / 2))


def _groups(spans: np.ndarray) -> Iterator[np.ndarray]:
    """Yield the places of at most `ROWS_AT_ONCE` equal spans, of fewer where they are long."""
    for span in np.unique(spans):
        places, cells = np.flatnonzero(spans == span), CELLS_PER_CYCLE * MAX_FREQUENCY * OVERSAMPLING * span
        rows = min(max(int(CELLS_AT_ONCE / cells), 1), ROWS_AT_ONCE)
        yield from (places[first : first + rows] for first in range(0, len(places), rows))


def propose_frequencies(
    curves: list[tuple[np.ndarray, np.ndarray]], longest_span: float
) -> Iterator[tuple[np.ndarray, float]]:
    """Yield for each light curve the frequencies at and beside the highest peaks of its classical periodogram.

    Args:
        curves: times [days] and magnitudes of mean 0, `(points,)` each.
        longest_span: days, at least the time span of every curve; it determines the grid of frequencies of all.

    Yields:
        `(frequencies,)` and the step of the grid, both in cycles per day.
    """
    spans = [np.ptp(times) for times, _ in curves]
    step = 1 / (OVERSAMPLING * longest_span)
    cells = fft.next_fast_len(int(np.ceil(CELLS_PER_CYCLE * MAX_FREQUENCY / step)), real=True)
    gridded = np.zeros((len(curves), cells), np.float32)
    for row, (times, magnitudes) in zip(gridded, curves, strict=True):
        np.add.at(row, np.minimum((times - times.min()) * (cells * step), cells - 1).astype(np.int64), magnitudes)
    number = int(MAX_FREQUENCY / step) + 2
    # The cells blur the high frequencies.
    blur = np.sinc(np.arange(number, dtype=np.float32) / cells)
    for span, spectrum in zip(spans, fft.rfft(gridded), strict=True):
        amplitudes = np.abs(spectrum[:number]) / blur
        lowest = max(round(MIN_CYCLES / (span * step)), 1)
        amplitudes[: lowest - 1] = 0.0
        inner = amplitudes[1:-1]
        peaks = np.flatnonzero((inner >= amplitudes[:-2]) & (inner >= amplitudes[2:]) & (inner > 0))
        peaks = np.append(peaks, lowest - 1)  # where the amplitudes only fall, the longest period is the best
        number_kept = min(CANDIDATES, len(peaks))
        highest = peaks[np.argpartition(-inner[peaks], number_kept - 1)[:number_kept]] + 1
        yield step * (highest[:, None] + np.array([-1, 0, 1]) / 3).ravel(), step


def _best_peaks(
    times: np.ndarray, magnitudes: np.ndarray, frequencies: np.ndarray, step: float, number: int
) -> list[float]:
    """Return at most `number` of the proposed frequencies that fit best, none of them within the same peak."""
    explained = fit_sinusoids(times, magnitudes, frequencies)[:, 0]
    best: list[float] = []
    for frequency in frequencies[np.argsort(-explained, kind="stable")]:
        if len(best) < number and all(abs(frequency - other) > OVERSAMPLING * step for other in best):
            best.append(frequency)
    return best


def _refine(times: np.ndarray, magnitudes: np.ndarray, frequency: float, step: float) -> tuple[float, float, float]:
    """Fit ever closer around a frequency; return a period as `find_periods` does."""
    for _ in range(REFINEMENTS - 2):
        near = _around(frequency, step)
        frequency, step = near[fit_sinusoids(times, magnitudes, near)[:, 0].argmax()], step / 3
    frequencies = _around(frequency, step)
    fits = fit_sinusoids(times, magnitudes, frequencies)
    best = fits[:, 0].argmax()
    frequency, (explained, cosine, sine) = frequencies[best], fits[best]
    degrees_of_freedom = max(len(times) - MIN_POINTS, 1) / len(times)
    snr = min(explained / max(1.0 - explained, 1e-9) * degrees_of_freedom, MAX_SNR)
    # Bright is a small magnitude.
    return 1 / frequency, snr, np.arctan2(-sine, -cosine) / (2 * np.pi * frequency)


def _around(frequency: float, step: float) -> np.ndarray:
    return frequency + step * np.arange(-3, 4) / 3


def fit_sinusoids(times: np.ndarray, magnitudes: np.ndarray, frequencies: np.ndarray) -> np.ndarray:
    """Fit a constant plus a sinusoid of each frequency by least squares.

    Args:
        times: `(points,)` days.
        magnitudes: `(points,)`, mean 0 and not constant.
        frequencies: `(frequencies,)` cycles per day.

    Returns:
        `(frequencies, 3)`: the fraction of the variance that the fit explains, and its coefficients of cosine and sine.
    """
    at_once = max(VALUES_AT_ONCE // len(times), 1)  # of millions of points, as few as one
    parts = [frequencies[first : first + at_once] for first in range(0, len(frequencies), at_once)]
    return np.concatenate([_fit_sinusoids(times, magnitudes, part) for part in parts])


def _fit_sinusoids(times: np.ndarray, magnitudes: np.ndarray, frequencies: np.ndarray) -> np.ndarray:
    angles = 2 * np.pi * frequencies[:, None] * times
    cosines, sines = np.cos(angles), np.sin(angles)
    cosines -= cosines.mean(axis=1, keepdims=True)
    sines -= sines.mean(axis=1, keepdims=True)
    cc, ss, cs = (np.einsum("ft,ft->f", *pair) for pair in ((cosines, cosines), (sines, sines), (cosines, sines)))
    yc, ys = cosines @ magnitudes, sines @ magnitudes
    determinant = cc * ss - cs**2
    solvable = determinant > 1e-9 * (cc + ss) ** 2
    scale = np.divide(1.0, determinant, out=np.zeros_like(determinant), where=solvable)
    a, b = (yc * ss - ys * cs) * scale, (ys * cc - yc * cs) * scale
    explained = (a * yc + b * ys) / (magnitudes @ magnitudes)
    return np.stack([np.clip(explained, 0.0, 1.0), a, b], axis=1)
