"""Audit of the splits: check that no star is on both sides of a boundary between learning and testing.

The audit is independent of how the sets were drawn: it has its own code to decide which entries are the same star, by
the rule of `astromer.splits.stars`, and compares the two sides of each boundary directly.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import product

import numpy as np
import polars as pl

from astromer.errors import InputError

KEYS = ["survey", "id"]
PAIR = ["learned_survey", "learned_id", "tested_survey", "tested_id"]
NAMED_PAIRS = 3  # of a boundary that leaks, in the error

Boundary = tuple[str, pl.DataFrame, pl.DataFrame, bool]
"""Name, learned and tested objects, and whether a star may be on both sides."""


def audit(
    pretraining: pl.DataFrame,
    datasets: Mapping[str, pl.DataFrame],
    metadata: pl.DataFrame,
    radius_arcsec: float,
    id_spaces: Mapping[str, str] | None = None,
    imported: Mapping[str, pl.DataFrame | None] | None = None,
) -> pl.DataFrame:
    """Compare both sides of every boundary of a run.

    Args:
        pretraining: survey, id and subset of every object used in pretraining (training, early stopping or scoring).
        datasets: sets of each dataset: survey, fold, spc, subset, id and class.
        metadata: survey, id, ra and dec [deg] of all objects.
        radius_arcsec: entries closer than this are the same star; 0 compares by id alone.
        id_spaces: id space of each survey that has one, see `astromer.splits.stars.star_numbers`.
        imported: by encoder with imported weights, the stars that these learned from: survey, id, ra and dec [deg];
            None if they are not known.

    Returns:
        One row per boundary: `boundary`, `learned` and `tested` (objects on either side), `leaks` (pairs of entries of
        one star) and `status`: `clean`; `allowed` where one fold tests on stars that another learns from, which are
        only counted; `seen` where an imported encoder has learned from test stars of the run; `unmatched` for two
        surveys that can be matched neither by ids nor by positions, with the numbers of objects without a position,
        and for an imported encoder whose stars are not known.

    Raises:
        InputError: a star is on both sides, an object is not in the metadata, or a fold has no test object of a class;
            the message names the boundary and the first pairs, or dataset, fold and class.
    """
    _check_test_classes(datasets)
    spaces = id_spaces or {}
    entries = _numbered([metadata], radius_arcsec, spaces)
    rows, found = [], []
    for name, *sides, allowed in _boundaries(pretraining, datasets):
        learned, tested = (_with_stars(side, entries, name) for side in sides)
        pairs = leaks(learned, tested)
        rows.append((name, learned.height, tested.height, pairs.height, "allowed" if allowed else "clean"))
        if not allowed:
            found += [
                f"{name}: {' '.join(pair[:2])} is {' '.join(pair[2:])}" for pair in pairs.head(NAMED_PAIRS).rows()
            ]
    if found:
        raise InputError("stars stand on both sides of a boundary between learning and testing:\n" + "\n".join(found))
    rows += _unmatched("pretraining", pretraining, datasets, entries, radius_arcsec, spaces)
    for encoder, stars in (imported or {}).items():
        rows += _of_imported(f"{encoder}'s own pretraining", stars, datasets, metadata, radius_arcsec, spaces)
    return pl.DataFrame(rows, schema=["boundary", "learned", "tested", "leaks", "status"], orient="row")


def _numbered(tables: Sequence[pl.DataFrame], radius_arcsec: float, id_spaces: Mapping[str, str]) -> pl.DataFrame:
    """Return the entries of the tables, each once, with the number of their star."""
    entries = pl.concat([table.select(*KEYS, "ra", "dec") for table in tables])
    entries = entries.unique(KEYS, keep="first", maintain_order=True)
    return entries.with_columns(star=pl.Series(same_star(entries, radius_arcsec, id_spaces)))


def leaks(learned: pl.DataFrame, tested: pl.DataFrame) -> pl.DataFrame:
    """Find every pair of entries of the same star, one learned from and one tested on.

    Args:
        learned: survey, id and star.
        tested: survey, id and star.

    Returns:
        The columns of `PAIR`, sorted.
    """
    pairs = learned.join(tested, on="star", suffix="_tested")
    return pairs.select("survey", "id", "survey_tested", "id_tested").rename(dict(_pair_names())).sort(PAIR)


def same_star(entries: pl.DataFrame, radius_arcsec: float, id_spaces: Mapping[str, str]) -> np.ndarray:
    """Number the stars: entries with one id in one id space, entries close on the sky, and chains of such pairs.

    Args:
        entries: survey, id, ra and dec [deg, may be null].
        radius_arcsec: largest separation; 0 compares by id alone.
        id_spaces: id space of each survey that has one.
    """
    rows = entries.with_row_index("row")
    owners = {survey: (survey in id_spaces, id_spaces.get(survey, survey)) for survey in entries["survey"].unique()}
    numbers = {owner: number for number, owner in enumerate(sorted(set(owners.values())))}
    codes = {survey: numbers[owner] for survey, owner in owners.items()}
    named = rows.select("row", "id", space=pl.col("survey").replace_strict(codes, return_dtype=pl.Int64))
    named = named.with_columns(first=pl.col("row").first().over("space", "id"))
    edges = [named.select("first", "row").to_numpy()]
    placed = rows.drop_nulls(["ra", "dec"])
    if radius_arcsec > 0 and placed.height > 1:
        edges.append(_close_pairs(placed, radius_arcsec))
    return _components(entries.height, np.concatenate(edges))


def _close_pairs(placed: pl.DataFrame, radius_arcsec: float) -> np.ndarray:
    """Return pairs `(n, 2)` of `row` of entries within the radius: neighbours in a grid of cubes, then haversines."""
    radius = np.radians(radius_arcsec / 3600)
    ra, dec = pl.col("ra").radians(), pl.col("dec").radians()
    axes = {"x": dec.cos() * ra.cos(), "y": dec.cos() * ra.sin(), "z": dec.sin()}
    cells = placed.select(
        "row", ra=ra, dec=dec, **{axis: (value / radius).floor().cast(pl.Int64) for axis, value in axes.items()}
    )
    half_ra, half_dec = (((pl.col(name) - pl.col(f"{name}_right")) / 2).sin() ** 2 for name in ("ra", "dec"))
    haversine = half_dec + pl.col("dec").cos() * pl.col("dec_right").cos() * half_ra
    pairs = []
    for offset in product((-1, 0, 1), repeat=3):
        if offset > (0, 0, 0):  # the other half of the neighbours gives the same pairs
            continue
        moved = cells.with_columns(pl.col(axis) + step for axis, step in zip(axes, offset, strict=True))
        close = cells.join(moved, on=list(axes)).filter(haversine <= np.sin(radius / 2) ** 2)
        pairs.append(close.filter(pl.col("row") != pl.col("row_right")).select("row", "row_right").to_numpy())
    return np.concatenate(pairs)


def _components(count: int, edges: np.ndarray) -> np.ndarray:
    """Return the lowest row that a chain of edges connects with each row, `(count,)`."""
    label, one, other = np.arange(count), *edges.astype(np.int64).T
    while True:
        lowest, before = np.minimum(label[one], label[other]), label.copy()
        np.minimum.at(label, one, lowest)
        np.minimum.at(label, other, lowest)
        label = label[label]
        if np.array_equal(label, before):
            return label


def _with_stars(side: pl.DataFrame, entries: pl.DataFrame, boundary: str) -> pl.DataFrame:
    found = side.select(KEYS).unique().join(entries.select(*KEYS, "star"), on=KEYS, how="left")
    unknown = found.filter(pl.col("star").is_null())
    if not unknown.is_empty():
        raise InputError(f"{boundary}: object {' '.join(unknown.select(KEYS).row(0))} is not in the metadata")
    return found


def _pair_names() -> Iterator[tuple[str, str]]:
    return zip(("survey", "id", "survey_tested", "id_tested"), PAIR, strict=True)


def _boundaries(pretraining: pl.DataFrame, datasets: Mapping[str, pl.DataFrame]) -> Iterator[Boundary]:
    """Yield each boundary.

    An encoder is pretrained once and tested in every fold of every dataset; it is finetuned, and a head is trained, in
    one fold of one dataset. Folds are independent draws: one may learn from objects that another tests on.
    """
    is_test, is_train = pl.col("subset") == "test", pl.col("subset") == "train"
    for name, sets in datasets.items():
        yield f"pretraining | {name}, test of all folds", pretraining, sets.filter(is_test), False
        for (fold,), of_fold in sets.partition_by("fold", as_dict=True, maintain_order=True).items():
            learned, tested = of_fold.filter(~is_test), of_fold.filter(is_test)
            yield f"{name}, fold {fold}: all SPC | test", learned, tested, False
            for (spc,), of_spc in learned.partition_by("spc", as_dict=True, maintain_order=True).items():
                sides = of_spc.filter(is_train), of_spc.filter(~is_train)
                yield f"{name}, fold {fold}, spc {spc}: train | validation", *sides, False
            elsewhere = sets.filter(~is_test & (pl.col("fold") != fold))
            if not elsewhere.is_empty():
                yield f"{name}: training of other folds | test of fold {fold}", elsewhere, tested, True
    yield "pretraining: train | validation, test", pretraining.filter(is_train), pretraining.filter(~is_train), False


def _of_imported(
    learning: str,
    stars: pl.DataFrame | None,
    datasets: Mapping[str, pl.DataFrame],
    metadata: pl.DataFrame,
    radius_arcsec: float,
    id_spaces: Mapping[str, str],
) -> Iterator[tuple[str, int | None, int, int | None, str]]:
    """Yield rows for what an imported encoder learned from before the run, against the test objects of each dataset."""
    tests_of = {name: sets.filter(pl.col("subset") == "test") for name, sets in datasets.items()}
    if stars is None:
        for name, tested in tests_of.items():
            yield f"{learning} | {name}, test of all folds", None, tested.select(KEYS).n_unique(), None, "unmatched"
        return
    entries = _numbered([metadata, stars], radius_arcsec, id_spaces)
    for name, tested in tests_of.items():
        boundary = f"{learning} | {name}, test of all folds"
        learned, seen = (_with_stars(side, entries, boundary) for side in (stars, tested))
        pairs = leaks(learned, seen).height
        yield boundary, learned.height, seen.height, pairs, "seen" if pairs else "clean"
        yield from _unmatched(learning, stars, {name: tested}, entries, radius_arcsec, id_spaces)


def _unmatched(
    learning: str,
    pretraining: pl.DataFrame,
    datasets: Mapping[str, pl.DataFrame],
    entries: pl.DataFrame,
    radius_arcsec: float,
    id_spaces: Mapping[str, str],
) -> Iterator[tuple[str, int, int, int, str]]:
    """Yield a row for each pair of a learned and a tested survey with objects that cannot be matched."""
    placed = pl.col("ra").is_not_null() & pl.col("dec").is_not_null() & (radius_arcsec > 0)
    lacking = entries.filter(~placed)
    for name, sets in datasets.items():
        tested = sets.filter(pl.col("subset") == "test")
        for one, other in product(pretraining["survey"].unique().sort(), tested["survey"].unique().sort()):
            if one == other or (one in id_spaces and id_spaces[one] == id_spaces.get(other)):
                continue
            sides = (side.filter(pl.col("survey") == survey) for side, survey in ((pretraining, one), (tested, other)))
            learned, unseen = (side.select(KEYS).unique().join(lacking, on=KEYS, how="semi").height for side in sides)
            if learned or unseen:
                yield f"{learning}: {one} | {name}: {other}", learned, unseen, 0, "unmatched"


def _check_test_classes(datasets: Mapping[str, pl.DataFrame]) -> None:
    """Raise `InputError` if a fold learns a class of which it tests no object."""
    for name, sets in datasets.items():
        for (fold,), of_fold in sets.partition_by("fold", as_dict=True, maintain_order=True).items():
            tested = of_fold.filter(pl.col("subset") == "test")["class"]
            if untested := set(of_fold["class"]) - set(tested):
                raise InputError(f"{name}, fold {fold}: there is no test object of class {', '.join(sorted(untested))}")
