"""Cadences of simulated surveys: the times at which each field is observed, and the quality of each visit.

All stars of a field share its visits, as in a real survey: weather, seasons, the Moon and the seeing are the same for
every star of the field.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from astromer.surveys.simulation.fields import Sky

Array = NDArray[np.float64]
_NEW_MOON_MJD = 51549.76
_LUNATION_DAYS = 29.530588
_SUN_MJD, _SUN_RA, _SUN_DEGREES_PER_DAY = 51544.5, 280.46, 0.98565

Visits = tuple[Array, Array]
"""`(visits,)` mjd, ascending; `(visits,)` factor on the photometric error of that visit."""


def macho_visits(rng: np.random.Generator, sky: Sky) -> list[Visits]:
    """Schedule a survey of the Large Magellanic Cloud: runs of nights with one to three images, over 2,700 days.

    Fields differ in the number of images (about 200 to 1,600). Each year has a gap of about six weeks in which the
    Cloud is low, and bad weather lasts for several nights.
    """
    nights = 48_800 + np.arange(2_700)
    clear = _spells(rng, len(nights), mean_on=5.0, mean_off=2.0)
    fields = []
    for attention in rng.permutation(np.geomspace(0.12, 0.75, sky.fields)):
        season = (nights - 48_800 - 290 + rng.integers(-12, 13)) % 365.25 > rng.integers(35, 55)
        active = _spells(rng, len(nights), mean_on=7.0, mean_off=7.0 * (1 - attention) / attention)
        open_nights = nights[clear & season & active & (rng.random(len(nights)) < 0.85)]
        images = rng.choice([1, 2, 3], len(open_nights), p=[0.64, 0.26, 0.10])
        mjd = np.sort(np.repeat(open_nights, images) + rng.uniform(0.41, 0.79, images.sum()))
        fields.append((mjd, rng.lognormal(0.0, 0.28, len(mjd))))
    return fields


def atlas_visits(rng: np.random.Generator, sky: Sky) -> list[Visits]:
    """Schedule a survey of the whole sky: four images within an hour about every second night, over 720 days.

    A field is observed while it is visible at night, except in the dark weeks, which are used for the other filter. The
    sky is brighter, and errors are larger, near full Moon.
    """
    nights = 57_300 + np.arange(720)
    clear = _spells(rng, len(nights), mean_on=5.0, mean_off=2.0)
    moon = (nights - _NEW_MOON_MJD) / _LUNATION_DAYS % 1.0
    brightness = 0.5 - 0.5 * np.cos(2 * np.pi * moon)
    sun_ra = _SUN_RA + _SUN_DEGREES_PER_DAY * (nights - _SUN_MJD)
    fields = []
    for ra, dec in zip(*sky.centres(), strict=True):
        elongation = np.abs((ra - sun_ra + 180.0) % 360.0 - 180.0)
        up = elongation > 95.0 - 0.5 * max(dec, 0.0)
        open_nights = np.flatnonzero(clear & up & (brightness > 0.4) & (rng.random(len(nights)) < 0.38))
        transit = np.clip((ra - sun_ra[open_nights]) % 360.0 / 360.0 - 0.5, -0.15, 0.15)
        first = nights[open_nights] + 0.40 + transit + rng.uniform(-0.02, 0.02, len(open_nights))
        mjd = first[:, None] + np.cumsum(rng.lognormal(np.log(0.0125), 0.45, (len(first), 4)), axis=1)
        error = np.exp(rng.normal(0.35 * brightness[open_nights], 0.15))[:, None] * rng.lognormal(0.0, 0.1, mjd.shape)
        fields.append((mjd.ravel(), error.ravel()))
    return fields


CADENCES: dict[str, Callable[[np.random.Generator, Sky], list[Visits]]] = {
    "macho": macho_visits,
    "atlas": atlas_visits,
}


def _spells(rng: np.random.Generator, nights: int, mean_on: float, mean_off: float) -> NDArray[np.bool_]:
    """Draw alternating spells, `mean_on` nights of True and `mean_off` nights of False on average; `(nights,)`."""
    lengths = np.stack([rng.exponential(mean_on, nights), rng.exponential(mean_off, nights)], axis=1).ravel()
    ends = np.cumsum(lengths)
    return np.searchsorted(ends, np.arange(nights) + rng.uniform(0.0, mean_on), side="right") % 2 == 0
