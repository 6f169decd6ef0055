"""Periods and phases of unevenly sampled light curves.

The periodogram is the generalised Lomb-Scargle periodogram of Zechmeister & Kürster (2009, A&A 496, 577): at each
frequency, a sine with a free mean is fitted with weights 1 / error^2. A sine has one minimum per cycle; eclipsing
binaries, which have two, therefore fold at half of their orbital period. Observations once per night cannot distinguish
a slow variation from its alias at one cycle per day more. A low frequency is therefore preferred if its power is nearly
as high as the highest.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from astromer.errors import InputError

SHORTEST_PERIOD_DAYS = 0.04  # delta Scuti stars are the fastest pulsators among the classes of the surveys
OVERSAMPLING = 5  # frequencies per independent frequency, 1 / time span
FINE_STEPS = 20  # per step of the coarse grid, on either side of its best frequency
SLOW = 0.02  # upper limit of the low frequencies that are preferred, cycles per day
AS_GOOD = 0.9  # fraction of the highest power that a low frequency needs
MIN_OBSERVATIONS = 5  # more than the four parameters: frequency, two amplitudes and mean
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Ephemeris:
    """The sine that fits a light curve best.

    Attributes:
        period_days: period of the sine.
        epoch_mjd: time of phase 0, the maximum of light.
        power: fraction of the weighted variance of the magnitudes that the sine explains, from 0 to 1.
    """

    period_days: float
    epoch_mjd: float
    power: float

    def phases(self, mjd: Array) -> Array:
        """Return the phases in [0, 1) at the times `mjd` [days]."""
        return (mjd - self.epoch_mjd) / self.period_days % 1.0


def find_ephemeris(mjd: Array, mag: Array, err_mag: Array) -> Ephemeris:
    """Find the strongest period between `SHORTEST_PERIOD_DAYS` and the light curve's time span.

    Args:
        mjd: times in days, any order, `(points,)`.
        mag: magnitudes, `(points,)`.
        err_mag: their errors, `(points,)`.

    Raises:
        InputError: there are fewer than 5 points, a value is not finite, an error not positive, the magnitudes are all
            equal, or the time span is shorter than twice the shortest period.
    """
    mjd, mag, err_mag = (np.asarray(values, np.float64) for values in (mjd, mag, err_mag))
    _check(mjd, mag, err_mag)
    step = 1 / (OVERSAMPLING * np.ptp(mjd))
    count = int(1 / SHORTEST_PERIOD_DAYS / step) - OVERSAMPLING + 1
    coarse = periodogram(mjd, mag, err_mag, first=OVERSAMPLING * step, step=step, count=count)
    slow = coarse[: max(0, int(SLOW / step) - OVERSAMPLING)]
    best = slow if slow.size and slow.max() > AS_GOOD * coarse.max() else coarse
    centre = (OVERSAMPLING + np.argmax(best)) * step
    fine_step = step / FINE_STEPS
    first, count = centre - FINE_STEPS * fine_step, 2 * FINE_STEPS + 1
    fine = periodogram(mjd, mag, err_mag, first=first, step=fine_step, count=count)
    frequency = centre + (np.argmax(fine) - FINE_STEPS) * fine_step
    return Ephemeris(float(1 / frequency), _brightest(mjd, mag, err_mag, frequency), float(fine.max()))


def periodogram(mjd: Array, mag: Array, err_mag: Array, *, first: float, step: float, count: int) -> Array:
    """Return the fraction of the weighted variance that a sine with free mean explains, at equidistant frequencies.

    Args:
        mjd: times in days, `(points,)`.
        mag: magnitudes, `(points,)`.
        err_mag: their errors, `(points,)`, positive.
        first: lowest frequency, cycles per day.
        step: step between frequencies, cycles per day.
        count: number of frequencies.

    Returns:
        Power from 0 to 1, `(count,)`; 0 where sine and mean are degenerate at the given times.
    """
    times = mjd - mjd.mean()
    weights = err_mag**-2.0 / np.sum(err_mag**-2.0)
    residuals = mag - weights @ mag
    # exp(i w t) of frequency a * block + b is the product of two factors: sums over points become matrix products.
    block = int(np.ceil(np.sqrt(count)))
    low = np.exp(2j * np.pi * step * np.outer(np.arange(block), times))
    high = np.exp(2j * np.pi * np.outer(first + step * block * np.arange(-(-count // block)), times))
    sums = ((high * weights) @ low.T).ravel()[:count]
    doubled = ((high**2 * weights) @ (low**2).T).ravel()[:count]
    products = ((high * (weights * residuals)) @ low.T).ravel()[:count]
    cosines, sines = sums.real, sums.imag
    cc = 0.5 * (1 + doubled.real) - cosines**2
    ss = 0.5 * (1 - doubled.real) - sines**2
    cs = 0.5 * doubled.imag - cosines * sines
    determinant = cc * ss - cs**2
    explained = ss * products.real**2 + cc * products.imag**2 - 2 * cs * products.real * products.imag
    variance = weights @ residuals**2
    power = np.divide(explained, variance * determinant, out=np.zeros(count), where=determinant > 1e-9)
    return np.clip(power, 0.0, 1.0)


def _check(mjd: Array, mag: Array, err_mag: Array) -> None:
    if len(mjd) < MIN_OBSERVATIONS:
        raise InputError(f"period: expected at least {MIN_OBSERVATIONS} observations, found {len(mjd)}")
    if not np.isfinite([mjd, mag, err_mag]).all() or err_mag.min() <= 0:
        raise InputError("period: expected finite times and magnitudes, and positive errors")
    if np.ptp(mag) == 0:
        raise InputError("period: all magnitudes are equal")
    if np.ptp(mjd) < 2 * SHORTEST_PERIOD_DAYS:
        least = 2 * SHORTEST_PERIOD_DAYS
        raise InputError(f"period: expected observations over {least} days or more, found {np.ptp(mjd)}")


def _brightest(mjd: Array, mag: Array, err_mag: Array, frequency: float) -> float:
    """Fit the sine at one frequency; give the time of its smallest magnitude nearest to the first observation."""
    turns = 2 * np.pi * frequency * (mjd - mjd.min())
    design = np.stack([np.ones_like(turns), np.cos(turns), np.sin(turns)], axis=1) / err_mag[:, None]
    _, cosine, sine = np.linalg.lstsq(design, mag / err_mag)[0]
    return float(mjd.min() + np.arctan2(-sine, -cosine) / (2 * np.pi * frequency))
