"""Exact histograms of magnitudes and time steps over all observations of a survey, in bounded memory.

Counts are kept on a fixed grid that is the same for every file: bin k contains the values nearer to `k * width` than to
any other multiple. Magnitudes printed with two decimals therefore fall in the middle of bins, not on their edges, and
histograms of files, shards and surveys can be added without loss. Means, deviations and extremes are computed from the
values themselves; quantiles are exact to half a bin.
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import reduce
from operator import add
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from astromer.data.pieces import light_curve_key
from astromer.errors import InputError

BATCH_ROWS = 1 << 17  # rows of Parquet read at once
MAX_BIN = 5_000_000  # bounds the memory of a histogram for any values
QUANTILES = {"p05": 0.05, "p25": 0.25, "median": 0.5, "p75": 0.75, "p95": 0.95}


@dataclass(frozen=True, eq=False)
class Histogram:
    """Counts and moments of a set of values.

    Attributes:
        width: width of a bin, in the unit of the values, or in dex if `logarithmic`.
        logarithmic: whether the bins divide the decimal logarithm of the values.
        first: index k of the first bin; its centre is `first * width`.
        counts: int64 `(bins,)`.
        minimum: smallest value (infinity for an empty histogram).
        maximum: largest value (minus infinity for an empty histogram).
        mean: mean of the values (0 for an empty histogram).
        squares: sum of the squared differences from the mean.
        zeros: number of zeros, which a logarithmic histogram cannot contain; the other attributes do not include them.
    """

    width: float
    logarithmic: bool
    first: int
    counts: np.ndarray
    minimum: float
    maximum: float
    mean: float
    squares: float
    zeros: int = 0

    @property
    def num_values(self) -> int:
        """Number of values in the bins."""
        return int(self.counts.sum())

    @property
    def std(self) -> float:
        """Standard deviation of the values (population)."""
        return math.sqrt(self.squares / self.num_values)

    def __add__(self, other: "Histogram") -> "Histogram":
        """Add two histograms on the same grid."""
        if (self.width, self.logarithmic) != (other.width, other.logarithmic):
            raise ValueError("histograms of different grids do not add up")
        zeros = self.zeros + other.zeros
        if other.num_values == 0 or self.num_values == 0:
            kept = self if other.num_values == 0 else other
            return replace(kept, zeros=zeros)
        first = min(self.first, other.first)
        counts = np.zeros(max(h.first + len(h.counts) for h in (self, other)) - first, dtype=np.int64)
        for part in (self, other):
            counts[part.first - first :][: len(part.counts)] += part.counts
        total = self.num_values + other.num_values
        shift = other.mean - self.mean
        return Histogram(
            width=self.width,
            logarithmic=self.logarithmic,
            first=first,
            counts=counts,
            minimum=min(self.minimum, other.minimum),
            maximum=max(self.maximum, other.maximum),
            mean=self.mean + shift * other.num_values / total,
            squares=self.squares + other.squares + shift**2 * self.num_values * other.num_values / total,
            zeros=zeros,
        )

    def quantile(self, fraction: float) -> float:
        """Return the quantile of `fraction`: the centre of its bin, clipped to the extremes.

        Raises:
            InputError: the histogram is empty.
        """
        if self.num_values == 0:
            raise InputError("quantile: the histogram has no values")
        cumulated = np.cumsum(self.counts)
        rank = max(1, math.ceil(fraction * cumulated[-1] * (1 - 1e-15)))  # 0.07 * 100 is 7 plus a rounding error
        centre = (self.first + int(np.searchsorted(cumulated, rank))) * self.width
        return float(np.clip(10**centre if self.logarithmic else centre, self.minimum, self.maximum))

    def rebin(self, factor: int) -> tuple[np.ndarray, np.ndarray]:
        """Sum `factor` neighbouring bins, aligned to the common grid.

        Returns:
            counts `(bins,)` and edges `(bins + 1,)`; the edges of a logarithmic histogram are logarithms.
        """
        low = self.first // factor
        padded = np.zeros(-(-(self.first + len(self.counts)) // factor) * factor - low * factor, dtype=np.int64)
        padded[self.first - low * factor :][: len(self.counts)] = self.counts
        counts = padded.reshape(-1, factor).sum(axis=1)
        return counts, ((low + np.arange(len(counts) + 1)) * factor - 0.5) * self.width


def count_values(values: np.ndarray, width: float, *, logarithmic: bool, source: Path | str) -> Histogram:
    """Count the values of an array, all of which must be positive if `logarithmic`.

    Raises:
        InputError: a value is not a finite number, or too far from zero for the bins; the message names `source`.
    """
    values = values.astype(np.float64, copy=False)
    if not values.size:
        return Histogram(width, logarithmic, 0, np.zeros(0, dtype=np.int64), math.inf, -math.inf, 0.0, 0.0)
    mean = float(values.mean())
    if not math.isfinite(mean):
        raise InputError(f"{source}: expected finite numbers")
    bins = np.rint((np.log10(values) if logarithmic else values) / width)
    if max(-bins.min(), bins.max()) > MAX_BIN:
        raise InputError(f"{source}: values from {values.min()} to {values.max()} do not fit into bins of {width}")
    bins = bins.astype(np.int64)
    first = int(bins.min())
    return Histogram(
        width=width,
        logarithmic=logarithmic,
        first=first,
        counts=np.bincount(bins - first),
        minimum=float(values.min()),
        maximum=float(values.max()),
        mean=mean,
        squares=float(np.square(values - mean).sum()),
    )


def magnitude_histogram(paths: Iterable[Path], bin_width: float = 0.01) -> Histogram:
    """Count all magnitudes of the observation files `paths`, in bins of `bin_width` mag.

    Raises:
        InputError: there is no file, or one lacks the column `mag`, or holds an empty or non-finite magnitude.
    """
    parts = (
        count_values(batch.column("mag").to_numpy(), bin_width, logarithmic=False, source=path)
        for path in paths
        for batch in _batches(path, ["mag"])
    )
    return _total(parts)


def time_step_histogram(paths: Iterable[Path], bin_width: float = 0.01) -> Histogram:
    """Count the time steps (days) between consecutive observations of each object, in bins of `bin_width` dex.

    The files are sorted by `id`, then `mjd`; an object may extend into the next row group, but not into the next file.
    Steps of zero days are counted separately, in `zeros`.

    Raises:
        InputError: there is no file, or one lacks a column, holds an empty or non-finite time, or is not sorted.
    """
    parts = (_count_steps(steps, bin_width, path) for path in paths for steps in _time_steps(path))
    return _total(parts)


def summary_table(histograms: Mapping[str, Histogram], simulated: Iterable[str]) -> pl.DataFrame:
    """Summarise one histogram per survey.

    Returns:
        One row per survey: `survey`, `data` (real or simulated), `num_values`, `num_zero`, `min`, `p05`, `p25`,
        `median`, `p75`, `p95`, `max`, `mean`, `std`; in mag or days.

    Raises:
        InputError: a histogram is empty.
    """
    simulated = set(simulated)
    rows = [
        {
            "survey": survey,
            "data": "simulated" if survey in simulated else "real",
            "num_values": histogram.num_values,
            "num_zero": histogram.zeros,
            "min": histogram.minimum,
            **{name: histogram.quantile(fraction) for name, fraction in QUANTILES.items()},
            "max": histogram.maximum,
            "mean": histogram.mean,
            "std": histogram.std,
        }
        for survey, histogram in histograms.items()
    ]
    names = list(QUANTILES)
    order = ["survey", "data", "num_values", "num_zero", "min", *names, "max", "mean", "std"]
    return pl.DataFrame(rows).select(order)


def _total(parts: Iterator[Histogram]) -> Histogram:
    parts = iter(parts)
    first = next(parts, None)
    if first is None:
        raise InputError("histogram: expected at least one file with observations")
    return reduce(add, parts, first)


def _batches(path: Path, columns: list[str]) -> Iterator[pa.RecordBatch]:
    """Read a Parquet file in batches of at most `BATCH_ROWS` rows without empty cells."""
    with pq.ParquetFile(path) as file:
        missing = set(columns) - set(file.schema_arrow.names)
        if missing:
            raise InputError(f"{path}: expected the columns {columns}, {sorted(missing)} not found")
        for batch in file.iter_batches(BATCH_ROWS, columns=columns):
            for name in columns:
                if batch.column(name).null_count:
                    raise InputError(f"{path}: column {name}: expected no empty cells")
            yield batch


def _time_steps(path: Path) -> Iterator[np.ndarray]:
    """Yield the time steps within light curves [days], batch by batch; a batch's last row is carried to the next."""
    key = light_curve_key(pq.read_schema(path).names)
    carried = None
    for batch in _batches(path, [*key, "mjd"]):
        rows = pa.Table.from_batches([batch])
        rows = rows if carried is None else pa.concat_tables([carried, rows])
        before, after = rows.slice(0, len(rows) - 1), rows.slice(1)
        same = np.ones(len(after), bool)
        for name in key:
            same &= pc.equal(after[name], before[name]).to_numpy()
        yield np.diff(rows["mjd"].to_numpy())[same]
        carried = rows.slice(len(rows) - 1)


def _count_steps(steps: np.ndarray, width: float, path: Path) -> Histogram:
    if steps.size and steps.min() < 0:
        raise InputError(f"{path}: expected each object's observations sorted by mjd, found a step of {steps.min()} d")
    positive = steps[steps != 0]
    histogram = count_values(positive, width, logarithmic=True, source=path)
    return replace(histogram, zeros=steps.size - positive.size)
