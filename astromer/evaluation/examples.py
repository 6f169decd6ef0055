"""Example objects of each class for figures, and their windows point by point.

Examples are drawn at random from the half of each class's objects that has the most observations. The draw of a class
depends only on the seed, the class and its objects, not on other classes or on the order of the file.
"""

import zlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import polars as pl

from astromer.data.parsing import read_records
from astromer.errors import InputError
from astromer.evaluation.folding import find_ephemeris


def draw_examples(
    records: Path, classes: Sequence[str], per_class: int, *, seed: int
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Draw example objects of each class and fold all their observations; of several bands, those of the first.

    Args:
        records: file of labelled records.
        classes: classes, in the order of the result.
        per_class: number of objects per class; fewer if the half of the class to draw from is smaller.
        seed: seed of the draw.

    Returns:
        Examples: `class`, `example` (number in the class, from 0), `id`, `period_days`, `epoch_mjd`, `power` (see
        `folding.Ephemeris`). Their observations: `id`, `mjd`, `mag`, `err_mag`, `phase`, by id and time.

    Raises:
        InputError: a class has no object, or no period can be found for an object.
    """
    light_curves, observations = read_records(records)
    objects = light_curves.unique("id", keep="first", maintain_order=True)
    rows, folded = [], []
    for name in classes:
        chosen = _draw(objects.filter(pl.col("class") == name), per_class, seed, f"{records}: class {name!r}")
        for number, (identifier, length) in enumerate(chosen):
            points = observations.filter(pl.col("id") == identifier).head(length)
            try:
                ephemeris = find_ephemeris(*(points[column].to_numpy() for column in ("mjd", "mag", "err_mag")))
            except InputError as error:
                raise InputError(f"{records}: object {identifier!r}: {error}") from error
            rows.append({"class": name, "example": number, "id": identifier, **vars(ephemeris)})
            folded.append(points.with_columns(phase=pl.Series(ephemeris.phases(points["mjd"].to_numpy()))))
    return pl.DataFrame(rows), pl.concat(folded)


def _draw(members: pl.DataFrame, number: int, seed: int, where: str) -> list[tuple[str, int]]:
    """Return the ids and lengths of the examples."""
    if members.is_empty():
        raise InputError(f"{where}: expected at least one object")
    longest = members.sort(["num_obs", "id"], descending=[True, False]).head(-(-len(members) // 2))
    rng = np.random.default_rng([seed, zlib.crc32(members["class"][0].encode())])
    return longest.sort("id").select("id", "num_obs")[rng.permutation(longest.height)[:number]].rows()


def windows_of(batches: Iterable[Mapping[str, object]], ids: Iterable[str]) -> dict[str, np.ndarray]:
    """Select the first window of some objects from batches, all of which must have the same width.

    Returns:
        Arrays `(windows, ...)` with the names of the batches' fields; `id` is decoded.

    Raises:
        InputError: an object has no window in the batches.
    """
    wanted = set(ids)  # those whose window is yet to come
    taken = []
    for batch in batches:
        arrays = {key: np.asarray(value) for key, value in batch.items()}
        arrays["id"] = np.array([name.decode() for name in arrays["id"]])
        rows = [row for row in np.sort(np.unique(arrays["id"], return_index=True)[1]) if arrays["id"][row] in wanted]
        wanted -= set(arrays["id"][rows])
        taken.append({key: array[rows] for key, array in arrays.items()})
    if wanted:
        raise InputError(f"examples: {len(wanted)} objects have no window, such as {min(wanted)}")
    return {key: np.concatenate([part[key] for part in taken]) for key in taken[0]}


def window_points(windows: Mapping[str, np.ndarray], observations: pl.DataFrame) -> pl.DataFrame:
    """Join values at the real points of windows to the observations.

    Args:
        windows: `id`, `start`, `length`, each `(windows,)`, and values at each point: arrays `(windows, window, 1)`, or
            `(windows, window, k, 1)` for k values per point.
        observations: `id`, `mjd`, `mag`, `err_mag` and other columns, by id and time.

    Returns:
        One row per real point: the columns of `observations`, `start` (index of the window's first observation in its
        object), and one column per array, of float32 or of arrays of length k.
    """
    arrays = {key: value[..., 0].astype(np.float32) for key, value in windows.items() if value.ndim > 2}
    by_object = observations.partition_by("id", as_dict=True)
    tables = []
    for row, (name, start, length) in enumerate(zip(*(windows[key] for key in ("id", "start", "length")), strict=True)):
        points = by_object[(str(name),)].slice(int(start), int(length))
        columns = [pl.Series(key, array[row, :length]) for key, array in arrays.items()]
        tables.append(points.with_columns(pl.lit(int(start), pl.UInt32).alias("start"), *columns))
    return pl.concat(tables)
