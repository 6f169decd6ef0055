"""Numbers of Donoso-Oliva et al. (2026) that figures show beside ours; `astromer/published/` has their sources."""

from pathlib import Path
from typing import Literal

import polars as pl

import astromer
from astromer.errors import InputError

COUNTERPARTS = {"in-domain": "alcock", "out-of-domain": "atlas"}
"""The paper's dataset of each role."""
NAMES = {"alcock": "Alcock", "atlas": "ATLAS"}
COLUMNS = {
    "gammas": ("dataset", "spc", "level", "gamma", "gamma_sd", "weight", "source"),
    "scores": ("dataset", "spc", "model", "head", "mean", "sd", "source"),
}


def published(table: Literal["gammas", "scores"], role: str | None = None) -> pl.DataFrame:
    """Return a table of published numbers (`.to_pandas()` for pandas).

    Args:
        table: `gammas`: gamma of the head `skip`, its population standard deviation over 3 folds, and the softmax of
            gamma. `scores`: mean and sample standard deviation of the macro F1 per window over 3 folds.
        role: only the rows of the paper's dataset with this role; None for all.

    Raises:
        InputError: there is no such table or role, or the file lacks a column.
    """
    if table not in COLUMNS or role not in (None, *COUNTERPARTS):
        raise InputError(f"published: expected a table of {list(COLUMNS)} and a role of {list(COUNTERPARTS)} or None")
    path = Path(astromer.__file__).parent / "published" / f"{table}.csv"
    rows = pl.read_csv(path)
    if missing := [name for name in COLUMNS[table] if name not in rows.columns]:
        raise InputError(f"{path}: expected the columns {', '.join(COLUMNS[table])}; {', '.join(missing)} not found")
    return rows if role is None else rows.filter(pl.col("dataset") == COUNTERPARTS[role])
