"""Find the catalogue entries that are the same star."""

from collections.abc import Mapping

import numpy as np
import polars as pl
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import KDTree


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
    """
    spaces = {name: f"space {space}" for name, space in (id_spaces or {}).items()}
    space = pl.col("survey").replace_strict(spaces, default=pl.format("survey {}", "survey"), return_dtype=pl.String)
    by_id = objects.select(pl.struct(space, "id").rank("dense")).to_series().to_numpy() - 1
    pairs = [np.stack([np.arange(objects.height), np.unique(by_id, return_index=True)[1][by_id]], axis=1)]
    if radius_arcsec > 0:
        placed = objects.with_row_index().drop_nulls(["ra", "dec"])
        if not placed.is_empty():
            index = placed["index"].to_numpy()
            tree = KDTree(unit_vectors(placed["ra"].to_numpy(), placed["dec"].to_numpy()))
            pairs.append(index[tree.query_pairs(chord_of(radius_arcsec), output_type="ndarray")].reshape(-1, 2))
    left, right = np.concatenate(pairs).T
    graph = coo_array((np.ones(len(left), np.int8), (left, right)), shape=(objects.height, objects.height))
    return connected_components(graph, directed=False)[1]


def unit_vectors(ra: np.ndarray, dec: np.ndarray) -> np.ndarray:
    """Convert positions [deg] to points on the unit sphere, `(n, 3)`."""
    ra, dec = np.radians(ra), np.radians(dec)
    return np.stack([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)], axis=1)


def chord_of(arcsec: float) -> float:
    """Convert an angle [arcsec] to the length of its chord on the unit sphere."""
    return 2 * np.sin(np.radians(arcsec / 3600) / 2)
