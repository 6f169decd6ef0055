"""Stage 2, at its end: check that no star is on both sides of a boundary between learning and testing."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl

from astromer.files import atomic_path
from astromer.splits.audit import audit


def audit_splits(
    metadata: Sequence[Path],
    pretraining: Path,
    table: Path,
    *,
    sets: Sequence[Path] = (),
    stars: Sequence[Path] = (),
    names: Sequence[str],
    surveys: Sequence[str],
    match_radius_arcsec: float,
    id_spaces: Mapping[str, str],
    listed: Sequence[str] = (),
    unlisted: Sequence[str] = (),
) -> None:
    """Compare both sides of every boundary between learning and testing; write a table of all boundaries.

    Args:
        metadata: objects of the surveys of the run.
        pretraining: file written by `split_pretraining`.
        table: written, see `astromer.splits.audit.audit`.
        sets: files written by `split_dataset`; none in a run without datasets.
        stars: lists of the stars that imported encoders learned from.
        names, surveys: dataset and survey of each of `sets`.
        match_radius_arcsec, id_spaces: see `astromer.splits.audit.audit`.
        listed: imported encoder of each of `stars`.
        unlisted: imported encoders whose stars are not known.

    Raises:
        InputError: see `astromer.splits.audit.audit`.
    """
    positions = pl.concat(pl.read_parquet(path, columns=["survey", "id", "ra", "dec"]) for path in metadata)
    drawn = {
        name: pl.read_parquet(path).with_columns(survey=pl.lit(survey))
        for name, survey, path in zip(names, surveys, sets, strict=True)
    }
    imported = {**dict.fromkeys(unlisted), **dict(zip(listed, map(pl.read_parquet, stars), strict=True))}
    found = audit(pl.read_parquet(pretraining), drawn, positions, match_radius_arcsec, id_spaces, imported)
    with atomic_path(table) as temporary:
        found.write_csv(temporary)
