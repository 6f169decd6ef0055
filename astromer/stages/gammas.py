"""Stage 9, for Fig. 9: the weights of the levels in the trained heads `skip`."""

from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import polars as pl

from astromer.evaluation.levels import gamma_rows
from astromer.files import atomic_path
from astromer.models.weights import load_model

GAMMA_SCHEMA = pl.Schema(
    {
        "dataset": pl.String,
        "fold": pl.Int64,
        "spc": pl.Int64,
        "level": pl.Int64,
        "gamma": pl.Float64,
        "weight": pl.Float64,
    }
)


def measure_gammas(
    gammas: Path, *, sources: Sequence[Mapping[str, Any]], head: str | None, models: Sequence[Path] = ()
) -> None:
    """Read gamma from the trained heads `skip`.

    Args:
        gammas: written: `dataset`, `fold`, `spc` and the columns of `astromer.evaluation.levels.gamma_rows`; without
            rows if the run has no head `skip`.
        sources: for each folder of `models`, `dataset`, the number of `folds` and the list `spc`.
        head: name of the head `skip` in the run, or None.
        models: folders `models` of `astromer.stages.classify.train_heads`; of several seeds, the first counts.
    """
    tables = [GAMMA_SCHEMA.to_frame()]
    for folder, source in zip(models, sources, strict=True) if head else ():
        for fold, spc in product(range(source["folds"]), source["spc"]):
            path = folder / f"fold{fold}/spc{spc}/seed0/{head}.keras"
            rows = gamma_rows(load_model(path))
            keys = {"dataset": source["dataset"], "fold": fold, "spc": spc}
            named = rows.with_columns(**{name: pl.lit(value) for name, value in keys.items()})
            tables.append(named.select(GAMMA_SCHEMA.names()).cast(GAMMA_SCHEMA))
    with atomic_path(gammas) as temporary:
        pl.concat(tables).write_csv(temporary)
