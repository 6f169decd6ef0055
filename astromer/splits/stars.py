"""Find the catalogue entries that are the same star."""

import itertools
from collections.abc import Iterator, Mapping

import numpy as np
import polars as pl
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import KDTree

from astromer.errors import InputError

AT_ONCE = 500_000  # entries that are compared at once: more need more memory, fewer more stripes
SAMPLED_EVERY = 100  # entries between two whose declinations may bound a stripe
MAX_AT_ONE_POSITION = 20  # entries of a survey at exactly one position: more share a placeholder, not a star


def star_numbers(objects: pl.DataFrame, radius_arcsec: float, id_spaces: Mapping[str, str] | None = None) -> np.ndarray:
    """Number the stars that the entries belong to.

    Entries with the same id space and id, or within `radius_arcsec` of each other on the sky (in the same survey or
    not), are the same star, and so are entries that are connected by a chain of such pairs.

    Args:
        objects: columns survey, id, ra and dec [deg]; entries without a position match by id alone.
        radius_arcsec: largest separation of two entries of one star; 0 matches by id alone.
        id_spaces: id space of each survey that has one; any other survey has its own.

    Returns:
        One integer per row, equal for the rows of one star.

    Raises:
        InputError: many entries of a survey have one position, as where a placeholder stands for an unknown one.
    """
    edges = [_same_ids(objects, id_spaces or {})]
    if radius_arcsec > 0:
        edges.append(_close_pairs(objects, radius_arcsec))
    return _numbered(objects.height, np.concatenate(edges))


def _same_ids(objects: pl.DataFrame, id_spaces: Mapping[str, str]) -> np.ndarray:
    """Pair each entry whose id space and id another one has with the first of these, `(pairs, 2)`.

    Only entries whose hashes are equal are compared, block by block: nearly all of a survey's ids are different.
    """
    spaces = {name: f"space {space}" for name, space in id_spaces.items()}
    names = {name: spaces.get(name, f"survey {name}") for name in map(str, objects["survey"].unique())}
    hashes = np.empty(objects.height, np.uint32)  # half of the bits, in half of the memory: few more are compared
    for start in range(0, objects.height, AT_ONCE):
        hashes[start : start + AT_ONCE] = objects["id"].slice(start, AT_ONCE).hash().to_numpy().astype(np.uint32)
    several = _repeated(hashes)
    several = several[np.argsort(hashes[several])]
    edges = [np.zeros((0, 2), np.int64)]
    for block in _blocks(hashes[several]):
        rows = np.sort(several[block])
        space = pl.col("survey").cast(pl.String).replace_strict(names).alias("space")
        entries = objects[rows].select(space, "id", row=rows)
        pairs = entries.with_columns(first=pl.col("row").min().over("space", "id"))
        edges.append(pairs.filter(pl.col("row") != pl.col("first")).select("first", "row").to_numpy())
    return np.concatenate(edges)


def _repeated(values: np.ndarray) -> np.ndarray:
    """Return where the values stand that occur more than once."""
    ordered = np.sort(values)
    repeated = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
    found = [np.zeros(0, np.int64)]
    for start in range(0, len(values) if len(repeated) else 0, AT_ONCE):
        part = values[start : start + AT_ONCE]
        nearest = repeated[np.minimum(np.searchsorted(repeated, part), len(repeated) - 1)]
        found.append(start + np.flatnonzero(nearest == part))
    return np.concatenate(found)


def _close_pairs(objects: pl.DataFrame, radius_arcsec: float) -> np.ndarray:
    """Pair the entries within the radius, `(pairs, 2)`, in stripes of declination; others have no position."""
    ra, dec = (objects[axis].cast(pl.Float64) for axis in ("ra", "dec"))  # without any position they have no type
    placed = ra.is_finite() & dec.is_finite()
    sample = dec.gather_every(SAMPLED_EVERY)
    sample = np.sort(sample.filter(sample.is_finite()).to_numpy())
    bounds = sample[:: max(1, AT_ONCE // SAMPLED_EVERY)][1:]
    edges = [np.zeros((0, 2), np.int64)]
    for low, high in itertools.pairwise([-np.inf, *bounds, np.inf]):
        rows = (placed & (dec >= low) & (dec <= high + radius_arcsec / 3600)).arg_true().to_numpy()
        placed_there = pl.DataFrame([objects["survey"].gather(rows), ra.gather(rows), dec.gather(rows)])
        _refuse_placeholders(placed_there)  # their pairs would grow with the square of their number
        tree = KDTree(unit_vectors(placed_there["ra"].to_numpy(), placed_there["dec"].to_numpy()))
        pairs = tree.query_pairs(chord_of(radius_arcsec), output_type="ndarray")
        edges.append(rows[pairs].reshape(-1, 2).astype(np.int64))
    return np.concatenate(edges)


def _refuse_placeholders(entries: pl.DataFrame) -> None:
    """Raise `InputError` if one position has more entries of a survey than a star can have."""
    counts = entries.group_by("survey", "ra", "dec").len().filter(pl.col("len") > MAX_AT_ONE_POSITION)
    if not counts.is_empty():
        survey, ra, dec, count = counts.sort("len", "ra", "dec").row(-1)
        raise InputError(
            f"survey {survey}: {count} objects have the position ra {ra:.10g}, dec {dec:.10g} deg; expected at most "
            f"{MAX_AT_ONE_POSITION}, and no position (a blank) where it is not known"
        )


def _blocks(ordered: np.ndarray) -> Iterator[slice]:
    """Split ordered values into blocks of about `AT_ONCE`, equal values in the same one."""
    start = 0
    while start < len(ordered):
        end = min(start + AT_ONCE, len(ordered))
        end = int(np.searchsorted(ordered, ordered[end - 1], side="right"))
        yield slice(start, end)
        start = end


def _numbered(count: int, edges: np.ndarray) -> np.ndarray:
    """Number what chains of edges connect, `(count,)`, in the order of the first members."""
    nodes, places = np.unique(edges, return_inverse=True)
    left, right = places.reshape(-1, 2).T
    graph = coo_array((np.ones(len(left), np.int8), (left, right)), shape=(len(nodes), len(nodes)))
    _, first, component = np.unique(
        connected_components(graph, directed=False)[1], return_index=True, return_inverse=True
    )
    first_of_row = np.arange(count, dtype=np.int32)
    first_of_row[nodes] = nodes[first][component]
    numbers = np.cumsum(first_of_row == np.arange(count, dtype=np.int32), dtype=np.int32) - np.int32(1)
    return numbers[first_of_row]


def unit_vectors(ra: np.ndarray, dec: np.ndarray) -> np.ndarray:
    """Convert positions [deg] to points on the unit sphere, `(n, 3)`."""
    ra, dec = np.radians(ra), np.radians(dec)
    return np.stack([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)], axis=1)


def chord_of(arcsec: float) -> float:
    """Convert an angle [arcsec] to the length of its chord on the unit sphere."""
    return 2 * np.sin(np.radians(arcsec / 3600) / 2)
