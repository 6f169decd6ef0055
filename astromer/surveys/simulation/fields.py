"""The part of the sky that a simulated survey covers, divided into fields."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Sky:
    """A patch of the sky cut into `columns` x `rows` fields of equal area.

    Attributes:
        ra: lowest and highest right ascension, degrees.
        dec: lowest and highest declination, degrees.
        columns: fields along right ascension.
        rows: fields along declination.
        concentration: Gaussian width in degrees of the distribution of stars around the centre of the patch. None for a
            uniform distribution.
    """

    ra: tuple[float, float]
    dec: tuple[float, float]
    columns: int
    rows: int
    concentration: float | None = None

    @property
    def fields(self) -> int:
        """Number of fields."""
        return self.columns * self.rows

    def centres(self) -> tuple[Array, Array]:
        """Return right ascension and declination of the centre of each field, `(fields,)`, degrees."""
        field = np.arange(self.fields)
        return self.positions(field, np.full(self.fields, 0.5), np.full(self.fields, 0.5))

    def weights(self) -> Array:
        """Return the share of the survey's stars in each field, `(fields,)`."""
        if self.concentration is None:
            return np.full(self.fields, 1.0 / self.fields)
        ra, dec = self.centres()
        east = (ra - np.mean(self.ra)) * np.cos(np.radians(dec))
        density = np.exp(-0.5 * (east**2 + (dec - np.mean(self.dec)) ** 2) / self.concentration**2)
        return density / density.sum()

    def positions(self, field: NDArray[np.int64], across: Array, up: Array) -> tuple[Array, Array]:
        """Return right ascension and declination, degrees, of positions in fields.

        Args:
            field: `(n,)` index of the field.
            across: `(n,)` in [0, 1), position in the field along right ascension.
            up: `(n,)` in [0, 1), position in the field along the sine of the declination (equal areas).
        """
        row, column = np.divmod(field, self.columns)
        ra = self.ra[0] + (column + across) / self.columns * (self.ra[1] - self.ra[0])
        south, north = np.sin(np.radians(self.dec))
        return ra, np.degrees(np.arcsin(south + (row + up) / self.rows * (north - south)))
