"""Classes, depth, errors, filter and sky of the two imitated surveys (their cadences are in `cadences`)."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from astromer.surveys.simulation.fields import Sky
from astromer.surveys.simulation.shapes import truncated_normal

Array = NDArray[np.float64]


@dataclass(frozen=True)
class StarClass:
    """One class of a survey.

    Attributes:
        kinds: share of each kind of `shapes.KINDS` among the stars of the class; sums to 1.
        magnitude: centre of the distribution of mean magnitudes, for a period of 1 day if `slope` is given.
        spread: standard deviation of the mean magnitudes.
        slope: magnitudes per factor of ten in period (period-luminosity relation; all stars are at one distance).
    """

    kinds: dict[str, float]
    magnitude: float
    spread: float
    slope: float = 0.0


@dataclass(frozen=True)
class Style:
    """Properties of one imitated survey.

    Attributes:
        band: name of the filter.
        sky: fields, and distribution of the stars over them.
        start_mjd: first night.
        classes: classes by name, as spelled in the survey's catalogue.
        mean_magnitudes: brightest and faintest mean magnitude of a star.
        limits: brightest (saturation) and faintest magnitude that can be measured.
        error_floor: error of the brightest stars in magnitudes (calibration).
        error_at_limit: error at the faint limit in magnitudes on a typical night, dominated by the sky background.
        mean_observations: approximate number of observations per star, averaged over the survey.
        completeness: lowest and highest fraction of its field's images in which a star is measured.
        bright: fraction of stars that are much brighter, and the centre and spread of their magnitudes.
        outliers: fraction of measurements affected by blends, cosmic rays etc.
    """

    band: str
    sky: Sky
    start_mjd: float
    classes: dict[str, StarClass]
    mean_magnitudes: tuple[float, float]
    limits: tuple[float, float]
    error_floor: float
    error_at_limit: float
    mean_observations: int
    completeness: tuple[float, float]
    bright: tuple[float, float, float] = field(default=(0.0, 0.0, 1.0))
    outliers: float = 0.006

    def draw_magnitudes(self, rng: np.random.Generator, star_class: StarClass, period: Array) -> Array:
        """Draw the mean magnitudes of stars of one class, `(n,)`, from their periods in days, `(n,)`."""
        share, bright_magnitude, bright_spread = self.bright
        usual = star_class.magnitude + star_class.slope * np.log10(period)
        brightened = rng.random(len(period)) < share
        return np.where(
            brightened,
            truncated_normal(rng, np.full(len(period), bright_magnitude), bright_spread, *self.mean_magnitudes),
            truncated_normal(rng, usual, star_class.spread, *self.mean_magnitudes),
        )

    def errors(self, magnitudes: Array, conditions: Array) -> Array:
        """Return the standard error of measurements of stars of `magnitudes`; `conditions` scales the noise of the sky.

        The flux has a constant noise, that of the sky, so that the error in magnitudes grows tenfold in 2.5 magnitudes.
        """
        sky_noise = self.error_at_limit * 10.0 ** (0.4 * (magnitudes - self.limits[1])) * conditions
        return np.hypot(self.error_floor, sky_noise)


STYLES = {
    "macho": Style(
        band="R",
        sky=Sky(ra=(71.0, 91.0), dec=(-72.4, -66.6), columns=6, rows=4, concentration=1.8),
        start_mjd=48_800.0,
        classes={
            "Cep_0": StarClass({"cepheid_fundamental": 1.0}, -5.0, 0.22, slope=-2.7),
            "Cep_1": StarClass({"cepheid_overtone": 1.0}, -5.5, 0.22, slope=-2.9),
            "EC": StarClass({"contact_binary": 1.0}, -5.0, 0.75),
            "ED": StarClass({"detached_binary": 1.0}, -5.2, 0.85),
            "LPV": StarClass({"long_period_variable": 1.0}, -7.4, 0.4),
            "RRab": StarClass({"rr_lyrae_ab": 1.0}, -4.75, 0.25),
            "RRc": StarClass({"rr_lyrae_c": 1.0}, -4.75, 0.25),
            "Other": StarClass({"irregular": 1.0}, -5.0, 0.9),
        },
        mean_magnitudes=(-8.6, -3.4),
        limits=(-9.4, -2.5),
        error_floor=0.014,
        error_at_limit=0.40,
        mean_observations=650,
        completeness=(0.75, 0.98),
    ),
    "atlas": Style(
        band="o",
        sky=Sky(ra=(0.0, 360.0), dec=(-40.0, 80.0), columns=16, rows=4),
        start_mjd=57_300.0,
        classes={
            "CB": StarClass({"contact_binary": 1.0}, 15.9, 1.1),
            "DB": StarClass({"detached_binary": 1.0}, 15.6, 1.2),
            "Mira": StarClass({"mira": 1.0}, 14.3, 1.3),
            "Pulse": StarClass(
                {
                    "rr_lyrae_ab": 0.50,
                    "rr_lyrae_c": 0.15,
                    "delta_scuti": 0.20,
                    "cepheid_fundamental": 0.10,
                    "cepheid_overtone": 0.05,
                },
                16.1,
                1.1,
            ),
            "Other": StarClass({"irregular": 1.0}, 16.1, 1.1),
        },
        mean_magnitudes=(11.0, 18.2),
        limits=(10.5, 18.8),
        error_floor=0.010,
        error_at_limit=0.16,
        mean_observations=200,
        completeness=(0.80, 0.98),
        bright=(0.17, 12.2, 0.5),
    ),
}
