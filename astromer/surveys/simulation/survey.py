"""Simulate labelled variable stars: `simulate(spec, indices)` returns the stars with these indices, reproducibly."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby

import numpy as np
import polars as pl
from numpy.typing import NDArray

from astromer.errors import InputError
from astromer.surveys.simulation.cadences import CADENCES
from astromer.surveys.simulation.shapes import GRID, KINDS, red_noise
from astromer.surveys.simulation.styles import STYLES, Style

BLOCK = 256  # stars that share one random generator and are simulated together
MAX_OBJECTS = 10_000_000  # ids have seven digits
_NODES = 64  # cycles after which the differences between cycles of a star repeat
_GOLDEN = 0.6180339887498949  # 1 / golden ratio: its multiples modulo 1 fill [0, 1) evenly
_PLASTIC = (
    0.7548776662466927,
    0.5698402909980532,
)  # 1 / p and 1 / p^2 of the plastic number p: the same in 2 dimensions
_SCHEDULE, _STARS, _OFFSETS = range(3)  # purposes of random generators
Array = NDArray[np.float64]
Indices = NDArray[np.int64]


@dataclass(frozen=True)
class SimulationSpec:
    """Describe a simulated survey.

    Attributes:
        name: start of every id, as in "sim-macho.0000042".
        style: "macho" (LMC, instrumental magnitudes, one to three images per night) or "atlas" (whole sky, four images
            within an hour).
        objects: number of stars, at most `MAX_OBJECTS`.
        seed: seed of all random numbers. A star depends on its number, but not on `objects`.
        classes: classes of equal frequency, or the relative frequency of each class (positive numbers); the names are
            in `STYLES`.
        mean_observations: mean number of observations per star, by default and at most that of the style. A smaller
            number gives a shorter survey, not a sparser one: time steps do not change.
    """

    name: str
    style: str
    objects: int
    seed: int
    classes: Mapping[str, float] | Sequence[str]
    mean_observations: float | None = None

    def __post_init__(self) -> None:
        """Check all fields.

        Raises:
            InputError: a field is wrong; the message names it.
        """
        if self.style not in STYLES:
            raise InputError(f"style: {self.style!r} is unknown; expected one of {', '.join(STYLES)}")
        if not 1 <= self.objects <= MAX_OBJECTS:
            raise InputError(f"objects: {self.objects} is not between 1 and {MAX_OBJECTS}")
        if self.seed < 0:
            raise InputError(f"seed: {self.seed} is negative")
        known = STYLES[self.style].classes
        if unknown := [label for label in self.classes if label not in known]:
            raise InputError(f"classes: {', '.join(unknown)} unknown to style {self.style}; it has {', '.join(known)}")
        if not self.classes or not all(weight > 0 for weight in self._weights.values()):
            raise InputError("classes: expected at least one class, each with a positive share")
        if not 0 < self.fraction <= 1:
            most = STYLES[self.style].mean_observations
            raise InputError(f"mean_observations: {self.mean_observations} is not in (0, {most}] of style {self.style}")

    @property
    def shares(self) -> dict[str, float]:
        """Fraction of stars in each class, in the given order; the sum is 1."""
        total = sum(self._weights.values())
        return {label: weight / total for label, weight in self._weights.items()}

    @property
    def _weights(self) -> Mapping[str, float]:
        return self.classes if isinstance(self.classes, Mapping) else dict.fromkeys(self.classes, 1.0)

    @property
    def fraction(self) -> float:
        """Fraction of the visits of the style's survey that is simulated."""
        most = STYLES[self.style].mean_observations
        return 1.0 if self.mean_observations is None else self.mean_observations / most

    def shard(self, part: int, parts: int) -> range:
        """Return the numbers of the consecutive stars of shard `part` (from 0); sizes differ by at most one star."""
        if not 0 <= part < parts:
            raise InputError(f"part: {part} is not between 0 and {parts - 1}")
        return range(self.objects * part // parts, self.objects * (part + 1) // parts)


def simulate(spec: SimulationSpec, indices: Iterable[int]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Simulate the stars with these numbers.

    Stars are simulated in blocks of `BLOCK` consecutive numbers and selected from these, so that no star depends on
    which others are requested. Time and memory are proportional to the number of blocks: request consecutive numbers,
    some thousands at a time.

    Args:
        spec: the survey.
        indices: numbers of stars, from 0 to `spec.objects - 1`, in any order; duplicates are ignored.

    Returns:
        Objects, sorted by id: id, class, band, ra, dec [degrees] and the true parameters: kind (`shapes.KINDS`),
        period_days and epoch_mjd of phase 0 (null without a period), amplitude_mag from peak to peak.
        Observations, sorted by id and mjd: id, mjd, mag, err_mag.

    Raises:
        InputError: an index is outside the survey.
    """
    wanted = sorted(set(indices))
    if wanted and not (wanted[0] >= 0 and wanted[-1] < spec.objects):
        raise InputError(f"indices: {wanted[0]} to {wanted[-1]} go beyond the {spec.objects} objects of {spec.name}")
    blocks = [
        _simulate_block(spec, number, np.fromiter(members, dtype=np.int64) % BLOCK)
        for number, members in groupby(wanted, key=lambda index: index // BLOCK)
    ]
    if not blocks:  # an empty shard has the same columns
        blocks = [_simulate_block(spec, 0, np.empty(0, dtype=np.int64))]
    objects, observations = zip(*blocks, strict=True)
    return pl.concat(objects), pl.concat(observations)


@dataclass(frozen=True)
class _Stars:
    """One block of stars; arrays are `(BLOCK,)` unless stated otherwise."""

    label: NDArray[np.str_]
    kind: NDArray[np.str_]
    period: Array
    amplitude: Array
    epoch: Array
    magnitude: Array
    wander: Array
    periodic: NDArray[np.bool_]
    template: Array  # (BLOCK, GRID)


@dataclass(frozen=True)
class _Schedule:
    """Visits to all fields, sorted by field: arrays `(visits,)` per visit and `(fields,)` per field."""

    mjd: Array
    error_factor: Array
    first: Indices
    count: Indices


def _generator(seed: int, *purpose: int) -> np.random.Generator:
    """Return a random generator for one purpose, independent of the others with the same seed."""
    return np.random.Generator(np.random.Philox(np.random.SeedSequence(seed, spawn_key=purpose)))


@lru_cache(maxsize=4)
def _schedule(style: str, seed: int, fraction: float) -> _Schedule:
    """Schedule the survey; only the first `fraction` of the visits to each field is kept."""
    fields = CADENCES[style](_generator(seed, _SCHEDULE), STYLES[style].sky)
    count = np.array([int(np.ceil(fraction * len(mjd))) for mjd, _ in fields])
    mjd, error_factor = (
        np.concatenate([column[:visits] for column, visits in zip(columns, count, strict=True)])
        for columns in zip(*fields, strict=True)
    )
    return _Schedule(mjd, error_factor, np.cumsum(count) - count, count)


def _simulate_block(spec: SimulationSpec, number: int, members: Indices) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Simulate the whole block `number`; return objects and observations of its `members`, in ascending order."""
    style = STYLES[spec.style]
    rng = _generator(spec.seed, _STARS, number)
    index = number * BLOCK + np.arange(BLOCK)
    offsets = _generator(spec.seed, _OFFSETS).random(3)
    stars = _draw_stars(spec, rng, (index * _GOLDEN + offsets[0]) % 1.0)
    field = rng.choice(style.sky.fields, BLOCK, p=style.sky.weights())
    ra, dec = style.sky.positions(
        field, *((index * step + o) % 1.0 for step, o in zip(_PLASTIC, offsets[1:], strict=True))
    )
    objects = pl.DataFrame(
        {
            "id": [f"{spec.name}.{k:07d}" for k in index],
            "class": stars.label,
            "band": [style.band] * BLOCK,
            "ra": ra,
            "dec": dec,
            "kind": stars.kind,
            "period_days": pl.Series(stars.period).set(pl.Series(~stars.periodic), None),
            "amplitude_mag": stars.amplitude,
            "epoch_mjd": pl.Series(stars.epoch).set(pl.Series(~stars.periodic), None),
        }
    )
    star, mjd, magnitudes, errors = _observe(style, rng, stars, _schedule(spec.style, spec.seed, spec.fraction), field)
    asked = np.isin(np.arange(BLOCK), members)[star]
    observations = pl.DataFrame(
        {
            "id": objects["id"].gather(star[asked]),
            "mjd": mjd[asked],
            "mag": magnitudes[asked].astype(np.float32),
            "err_mag": errors[asked].astype(np.float32),
        }
    )
    return objects[members], observations


def _draw_stars(spec: SimulationSpec, rng: np.random.Generator, places: Array) -> _Stars:
    """Draw the stars of a block; `places`, `(BLOCK,)` in [0, 1), determine their classes.

    Places follow a golden-ratio sequence over the survey, so that any consecutive stars contain each class very nearly
    in its fraction, even in small surveys and single shards.
    """
    style, shares = STYLES[spec.style], spec.shares
    labels = np.array(list(shares))
    label = labels[np.searchsorted(np.cumsum(list(shares.values()))[:-1], places, side="right")]
    kind = np.empty(BLOCK, dtype=np.array(list(KINDS)).dtype)
    period, amplitude, magnitude, wander = np.zeros((4, BLOCK))
    periodic = np.ones(BLOCK, dtype=bool)
    template = np.empty((BLOCK, GRID))
    for name in labels:
        star_class = style.classes[name]
        rows = np.flatnonzero(label == name)
        kind[rows] = rng.choice(list(star_class.kinds), len(rows), p=list(star_class.kinds.values()))
        for kind_name in star_class.kinds:
            same = rows[kind[rows] == kind_name]
            shapes = KINDS[kind_name](rng, len(same))
            period[same], amplitude[same], template[same] = shapes.period, shapes.amplitude, shapes.template
            wander[same], periodic[same] = shapes.wander, shapes.periodic
        magnitude[rows] = style.draw_magnitudes(rng, star_class, period[rows])
    epoch = style.start_mjd + rng.random(BLOCK) * period
    return _Stars(label, kind, period, amplitude, epoch, magnitude, wander, periodic, template)


def _observe(
    style: Style, rng: np.random.Generator, stars: _Stars, schedule: _Schedule, field: Indices
) -> tuple[Indices, Array, Array, Array]:
    """Measure the stars of a block at the visits to their fields.

    Returns:
        Star (index in the block), mjd, magnitude and error of each measurement, `(points,)`, by star and time.
    """
    count = schedule.count[field]
    star = np.repeat(np.arange(BLOCK), count)
    visit = np.arange(len(star)) + np.repeat(schedule.first[field] - (np.cumsum(count) - count), count)
    seen = rng.random(len(star)) < rng.uniform(*style.completeness, BLOCK)[star]
    star, visit = star[seen], visit[seen]
    mjd = schedule.mjd[visit]
    true = stars.magnitude[star] + _variability(rng, stars, star, mjd)
    conditions = schedule.error_factor[visit] * rng.uniform(0.85, 1.15, len(star))
    errors = style.errors(true, conditions)
    noise = rng.standard_normal(len(star))
    spoilt = np.flatnonzero(rng.random(len(star)) < style.outliers)
    noise[spoilt] *= rng.uniform(3.0, 10.0, len(spoilt))
    measured = true + errors * noise
    brightest, faintest = style.limits
    detected = (np.minimum(measured, true) > brightest) & (np.maximum(measured, true) < faintest)
    return star[detected], mjd[detected], measured[detected], errors[detected]


def _variability(rng: np.random.Generator, stars: _Stars, star: Indices, mjd: Array) -> Array:
    """Return the difference of each star from its mean magnitude at each time, `(points,)`."""
    cycles = (mjd - stars.epoch[star]) / stars.period[star]
    stretch, level = np.ones_like(mjd), np.zeros_like(mjd)
    moves = np.flatnonzero(stars.wander[star] > 0)
    if len(moves):
        strength = stars.wander[star[moves]]
        height, shift, lag = _between_cycles(rng.standard_normal((3, BLOCK, _NODES)), star[moves], cycles[moves])
        stretch[moves] = np.maximum(1.0 + strength * height, 0.2)
        level[moves] = 0.5 * strength * stars.amplitude[star[moves]] * shift
        cycles[moves] += 0.3 * strength * lag
    place = (cycles % 1.0) * GRID
    left = place.astype(np.int64)
    template = stars.template.ravel()
    row = star * GRID
    before, after = template[row + left % GRID], template[row + (left + 1) % GRID]
    light = level + stretch * (before + (place - left) * (after - before))
    aperiodic = np.flatnonzero(~stars.periodic[star])
    if len(aperiodic):
        which = star[aperiodic]
        noise = red_noise(rng, mjd[aperiodic] - stars.epoch[which], which, stars.period)
        light[aperiodic] = 0.25 * stars.amplitude[which] * noise
    return light


def _between_cycles(nodes: Array, star: Indices, cycles: Array) -> Array:
    """Interpolate smoothly between the random values of successive cycles.

    Args:
        nodes: `(quantities, stars, _NODES)` values at the beginnings of cycles; they repeat after `_NODES` cycles.
        star: `(points,)` index of the star.
        cycles: `(points,)` cycles since the epoch.

    Returns:
        `(quantities, points)`.
    """
    cycle = np.floor(cycles).astype(np.int64)
    part = cycles - cycle
    part = part * part * (3.0 - 2.0 * part)
    return nodes[:, star, cycle % _NODES] * (1.0 - part) + nodes[:, star, (cycle + 1) % _NODES] * part
