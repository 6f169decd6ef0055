"""Audit of the splits: check that no star is on both sides of a boundary between learning and testing.

The audit is independent of how the sets were drawn: it compares the two sides of each boundary directly, by survey and
id and by distance on the sky.
"""

from collections.abc import Iterator, Mapping

import polars as pl
from scipy.spatial import KDTree

from astromer.errors import InputError
from astromer.splits.stars import chord_of, separation_arcsec, unit_vectors

KEYS = ["survey", "id"]
PAIR = ["learned_survey", "learned_id", "tested_survey", "tested_id"]


def audit(
    pretraining: pl.DataFrame, datasets: Mapping[str, pl.DataFrame], metadata: pl.DataFrame, radius_arcsec: float
) -> pl.DataFrame:
    """Compare both sides of every boundary of a run.

    Args:
        pretraining: survey, id and subset of every object used in pretraining (training, early stopping or scoring).
        datasets: sets of each dataset: survey, fold, spc, subset and id.
        metadata: survey, id, ra and dec [deg] of all objects.
        radius_arcsec: entries closer than this are the same star; 0 compares by survey and id alone.

    Returns:
        One row per boundary: `boundary`, `learned` and `tested` (objects on either side) and `leaks` (pairs found).

    Raises:
        InputError: a star is on both sides; the message names the boundary and the first pairs.
    """
    rows, found = [], []
    for name, learned, tested in _boundaries(pretraining, datasets):
        one, other = (side.select(KEYS).unique().join(metadata, on=KEYS, how="left") for side in (learned, tested))
        pairs = leaks(one, other, radius_arcsec)
        rows.append((name, one.height, other.height, pairs.height))
        found += [f"{name}: {' '.join(pair[:2])} is {' '.join(pair[2:])}" for pair in pairs.head(3).select(PAIR).rows()]
    if found:
        raise InputError("stars stand on both sides of a boundary between learning and testing:\n" + "\n".join(found))
    return pl.DataFrame(rows, schema=["boundary", "learned", "tested", "leaks"], orient="row")


def leaks(learned: pl.DataFrame, tested: pl.DataFrame, radius_arcsec: float) -> pl.DataFrame:
    """Find every pair of entries of the same star, one learned from and one tested on.

    Returns:
        Columns of `PAIR`, and `separation_arcsec` (null for a pair with equal survey and id).
    """
    same = learned.join(tested, on=KEYS, how="inner").select(KEYS)
    tables = [_pairs(same, same, None)]
    one, other = (side.drop_nulls(["ra", "dec"]) for side in (learned, tested))
    if radius_arcsec > 0 and not one.is_empty() and not other.is_empty():
        trees = [KDTree(unit_vectors(side["ra"].to_numpy(), side["dec"].to_numpy())) for side in (one, other)]
        close = trees[0].sparse_distance_matrix(trees[1], chord_of(radius_arcsec), output_type="ndarray")
        near = _pairs(one[close["i"]], other[close["j"]], pl.Series(separation_arcsec(close["v"])))
        tables.append(near.join(tables[0], on=PAIR, how="anti"))
    return pl.concat(tables)


def _pairs(learned: pl.DataFrame, tested: pl.DataFrame, separation: pl.Series | None) -> pl.DataFrame:
    columns = [*learned.select(KEYS).get_columns(), *tested.select(KEYS).get_columns()]
    named = [column.alias(name) for column, name in zip(columns, PAIR, strict=True)]
    return pl.DataFrame(named).with_columns(
        separation_arcsec=pl.lit(None, pl.Float64) if separation is None else separation
    )


def _boundaries(
    pretraining: pl.DataFrame, datasets: Mapping[str, pl.DataFrame]
) -> Iterator[tuple[str, pl.DataFrame, pl.DataFrame]]:
    """Yield name, learned and tested objects of each boundary.

    An encoder is pretrained once and tested in every fold of every dataset; it is finetuned, and a head is trained, in
    one fold of one dataset.
    """
    for name, sets in datasets.items():
        yield f"pretraining | {name}, test of all folds", pretraining, sets.filter(pl.col("subset") == "test")
        for (fold,), of_fold in sets.partition_by("fold", as_dict=True, maintain_order=True).items():
            is_test = pl.col("subset") == "test"
            yield f"{name}, fold {fold}: all SPC | test", of_fold.filter(~is_test), of_fold.filter(is_test)
            learned = of_fold.filter(~is_test)
            for (spc,), of_spc in learned.partition_by("spc", as_dict=True, maintain_order=True).items():
                is_train = pl.col("subset") == "train"
                yield (
                    f"{name}, fold {fold}, spc {spc}: train | validation",
                    of_spc.filter(is_train),
                    of_spc.filter(~is_train),
                )
    is_train = pl.col("subset") == "train"
    yield "pretraining: train | validation, test", pretraining.filter(is_train), pretraining.filter(~is_train)
