"""Numbers of Donoso-Oliva et al. (2026) that tables and figures show beside ours.

They are files of `astromer/published/`, whose column `source` says where each number was published. Standard deviations
`sd` are sample standard deviations over 3 folds. Published scores are macro F1 per window of finetuned encoders.
"""

from importlib import resources

import polars as pl

from astromer.errors import InputError

FOLDER = "astromer.published"  # a name like that of a module, by which the digests of the workflow find its files
COUNTERPARTS = {"in-domain": "alcock", "out-of-domain": "atlas"}
"""The paper's dataset of each role."""
COMPARED = (("A1", "avg"), ("A1", "skip"), ("A2", "skip"))
"""Generation of Astromer and head of each classifier of the paper's main comparison."""
NAMES = {"alcock": "Alcock", "atlas": "ATLAS"}


def published(table: str, role: str | None = None) -> pl.DataFrame:
    """Return a table of published numbers (`.to_pandas()` for pandas).

    Args:
        table: `scores`: the main comparison of Astromer 1 and 2. `ablation`: heads and baselines of Fig. 12; `defect`
            says what is wrong with a released head. `confusion`: fractions of each true class. `finetuning`: RMSE of
            fully visible windows before and after finetuning, and its minutes, with the smallest and largest fold.
            `gammas`: gamma of each level in the head `skip`, and its softmax (Fig. 9).
        role: only the rows of the paper's dataset with this role; None for all.

    Raises:
        InputError: there is no such table or role.
    """
    files = {file.name.removesuffix(".csv"): file for file in resources.files(FOLDER).iterdir()}
    known = sorted(files)
    if table not in known or role not in (None, *COUNTERPARTS):
        raise InputError(
            f"published: expected a table of {known} and a role of {list(COUNTERPARTS)} or None; found {table!r} and "
            f"{role!r}"
        )
    rows = pl.read_csv(files[table].read_bytes())
    return rows if role is None else rows.filter(pl.col("dataset") == COUNTERPARTS[role])
