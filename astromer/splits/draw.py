"""Draw the training, validation and test objects, once per run; the sets are stored and reused.

Every draw sorts the objects by a hash of the seed, the purpose and the object's id, and takes sets from the beginning
of that order. It therefore depends neither on the order of files nor on the number of cores. When objects are added,
the order of the others does not change, but their sets may: each added object moves those of its class that follow it
back by one, so that a set loses at most as many objects as were added before them. Sets of a class that `short_classes:
cap` shortens also change in size.
"""

import hashlib
from collections.abc import Mapping

import numpy as np
import polars as pl

from astromer.config.datasets import Dataset
from astromer.errors import InputError
from astromer.splits.stars import star_numbers

TRAIN_FRACTION = 0.8  # of the samples per class; the rest are for validation (paper, Sect. 4)
SUBSETS = ("train", "validation", "test")
HASHED_AT_ONCE = 100_000  # names that exist as Python objects at a time
MIN_LEARNED = 3  # smallest number of samples per class that gives a training and a validation set


def num_learned(dataset: Dataset, num_objects: int) -> int:
    """Return how many objects of a class of this size are for training or validation in a fold; the rest may test."""
    largest = max(dataset.spc)
    if dataset.short_classes == "cap" and num_objects < largest + dataset.test_per_class:
        half = num_objects - min(dataset.test_per_class, num_objects // 2)
        return min(largest, max(half, MIN_LEARNED))
    return largest


def number_stars(
    metadata: pl.DataFrame, radius_arcsec: float, id_spaces: Mapping[str, str] | None = None
) -> pl.DataFrame:
    """Add the column `star`, equal for entries of the same star (see `astromer.splits.stars.star_numbers`)."""
    numbers = star_numbers(metadata, radius_arcsec, id_spaces)
    # In the chunks of the table: a column with other chunks would make polars copy all columns.
    ends = np.cumsum(metadata["id"].chunk_lengths())[:-1]
    return metadata.with_columns(star=pl.concat([pl.Series(part) for part in np.split(numbers, ends)], rechunk=False))


def split_dataset(metadata: pl.DataFrame, dataset: Dataset, *, name: str, seed: int) -> pl.DataFrame:
    """Draw the test, training and validation objects of every fold and SPC.

    All SPC of a fold share one test set, and the sets of a smaller SPC are drawn from those of a larger SPC. Of a star
    with several entries in the dataset, only the first entry is used.

    Args:
        metadata: objects with the columns survey, id, class and star.
        dataset: configuration of the dataset.
        name: name of the dataset.
        seed: the run's seed.

    Returns:
        One row per object and set: fold, spc (null for the test set, which all SPC share), subset (train, validation or
        test), id, class, label (rank of the class in `dataset.classes`) and star.

    Raises:
        InputError: a class has no objects or too few; the message lists all such classes.
    """
    members = metadata.filter((pl.col("survey") == dataset.survey) & pl.col("class").is_in(list(dataset.classes)))
    members = members.with_columns(pl.col("class").cast(pl.String))
    members = members.sort("id").unique("star", keep="first", maintain_order=True)
    sizes = dict(members.group_by("class").len().iter_rows())
    _check_class_sizes(sizes, metadata, dataset, name)
    learned = {label: num_learned(dataset, size) for label, size in sizes.items()}
    labels = {label: rank for rank, label in enumerate(dataset.classes)}
    members = members.with_columns(
        label=pl.col("class").replace_strict(labels, return_dtype=pl.Int32),
        learned=pl.col("class").replace_strict(learned, return_dtype=pl.Int64),
    )
    rank = pl.col("rank")
    sets = []
    for fold in range(dataset.folds):
        order = _draw_order(members["id"], f"{seed}/{name}/fold{fold}")
        drawn = members.with_columns(order=order).sort("order").with_columns(rank=pl.int_range(pl.len()).over("class"))
        is_test = (rank >= pl.col("learned")) & (rank < pl.col("learned") + dataset.test_per_class)
        sets.append(_labelled_set(drawn.filter(is_test), fold, None, "test"))
        for spc in dataset.spc:
            num_samples = pl.min_horizontal("learned", pl.lit(spc))
            num_train = (TRAIN_FRACTION * num_samples).round().cast(pl.Int64)
            sets.append(_labelled_set(drawn.filter(rank < num_train), fold, spc, "train"))
            sets.append(
                _labelled_set(drawn.filter((rank >= num_train) & (rank < num_samples)), fold, spc, "validation")
            )
    return pl.concat(sets)


def validation_stars(ids: pl.Series, labels: pl.Series, *, seed: int) -> pl.Series:
    """Choose the validation stars among labelled ones, as `split_dataset` does: a fifth of each class.

    Args:
        ids: one per star, all different.
        labels: the class of each star.
        seed: seed of the draw.

    Returns:
        bool, True for a validation star, in the order of the ids.

    Raises:
        InputError: a class has fewer than 3 stars, too few for a training and a validation set.
    """
    stars = pl.DataFrame({"class": labels, "order": _draw_order(ids, f"{seed}/labelled")})
    sizes = dict(stars.group_by("class").len().iter_rows())
    if short := {name: size for name, size in sorted(sizes.items()) if size < MIN_LEARNED}:
        found = ", ".join(f"{name} ({size})" for name, size in short.items())
        raise InputError(f"labels: expected at least {MIN_LEARNED} stars of each class; too few in {found}")
    rank = pl.col("order").rank("ordinal").over("class") - 1
    return stars.select(rank >= (TRAIN_FRACTION * pl.len().over("class")).round()).to_series()


def sets_of(rows: pl.DataFrame, sets: pl.DataFrame, *, fold: int, spc: int) -> dict[str, pl.DataFrame]:
    """Select the rows of the training, validation and test objects of one fold and SPC.

    Args:
        rows: any table with the column `id`; its rows keep their order.
        sets: a table of `split_dataset`.
        fold, spc: fold and samples per class.

    Returns:
        The rows by subset: `train`, `validation`, `test`.

    Raises:
        InputError: an object of a set has no row.
    """
    drawn = sets.filter((pl.col("fold") == fold) & (pl.col("spc").is_null() | (pl.col("spc") == spc)))
    if absent := set(drawn["id"]).difference(rows["id"].unique()):
        raise InputError(f"fold {fold}, SPC {spc}: {len(absent)} objects have no row, such as {min(absent)}")
    return {
        subset: rows.filter(pl.col("id").is_in(drawn.filter(pl.col("subset") == subset)["id"].implode()))
        for subset in SUBSETS
    }


def count_objects(sets: pl.DataFrame, dataset: Dataset, *, name: str) -> pl.DataFrame:
    """Count the objects of each class in each set; `asked` is the number that the configuration requests."""
    counts = sets.group_by("fold", "spc", "subset", "label", "class").agg(pl.len().alias("objects"))
    num_train = (TRAIN_FRACTION * pl.col("spc")).round().cast(pl.Int64)
    asked = (
        pl.when(pl.col("subset") == "test")
        .then(pl.lit(dataset.test_per_class))
        .when(pl.col("subset") == "train")
        .then(num_train)
        .otherwise(pl.col("spc") - num_train)
    )
    table = counts.with_columns(dataset=pl.lit(name), asked=asked)
    order = ["dataset", "fold", "spc", "subset", "label"]
    return table.sort(order, nulls_last=False).select(*order[:-1], "class", "objects", "asked")


def split_pretraining(
    metadata: pl.DataFrame,
    test_stars: pl.Series,
    *,
    validation_fraction: float,
    test_fraction: float,
    seed: int,
) -> pl.DataFrame:
    """Draw the objects of pretraining, without the test stars of any dataset.

    Args:
        metadata: objects of the surveys for pretraining, columns survey, id and star.
        test_stars: `star` of every test object of every dataset and fold.
        validation_fraction: fraction of the stars for early stopping.
        test_fraction: fraction of the stars on which the reconstruction is scored.
        seed: the run's seed.

    Returns:
        survey, id, star and subset (an enum of `SUBSETS`), sorted by survey and id. All entries of a star are in the
        same subset.
    """
    allowed = metadata.select("survey", "id", "star").filter(~pl.col("star").is_in(test_stars.unique().implode()))
    allowed = allowed if _in_order(allowed) else allowed.sort("survey", "id")
    star_of_row = allowed["star"].to_numpy()
    first_of_star = np.full(star_of_row.max(initial=-1) + 1, -1, np.int32)
    first_of_star[star_of_row[::-1]] = np.arange(len(star_of_row), dtype=np.int32)[::-1]
    rows = np.sort(first_of_star[first_of_star >= 0])
    num_test, num_validation = round(test_fraction * len(rows)), round(validation_fraction * len(rows))
    if min(num_test, num_validation, len(rows) - num_test - num_validation) < 1:
        raise InputError(f"pretraining: {len(rows)} stars are too few for a training, a validation and a test set")
    drawn = rows[_shuffled(allowed, rows, f"{seed}/pretraining")[: num_test + num_validation]]
    subset_of_star = np.zeros(len(first_of_star), np.uint8)
    subset_of_star[star_of_row[drawn]] = SUBSETS.index("validation")
    subset_of_star[star_of_row[drawn[:num_test]]] = SUBSETS.index("test")
    return allowed.with_columns(pl.Series("subset", subset_of_star[star_of_row]).cat.to(pl.Enum(SUBSETS)))


def _shuffled(table: pl.DataFrame, rows: np.ndarray, purpose: str) -> np.ndarray:
    """Return the pseudo-random order of rows of a table, which depends on their surveys and ids."""
    numbers = np.empty(len(rows), np.uint64)
    for start in range(0, len(rows), HASHED_AT_ONCE):
        part = slice(start, start + HASHED_AT_ONCE)
        names = table[rows[part]].select(pl.format("{}/{}", "survey", "id")).to_series()
        numbers[part] = _draw_order(names, purpose).to_numpy()
    return np.argsort(numbers, kind="stable")


def _in_order(table: pl.DataFrame) -> bool:
    """Return whether rows are sorted by survey and id, which takes less memory to find out than to sort again."""
    surveys = table["survey"].rle().struct.unnest()
    names, ends = surveys["value"].cast(pl.String), surveys["len"].cum_sum().to_list()
    parts = (table["id"].slice(end - length, length) for end, length in zip(ends, surveys["len"], strict=True))
    return names.is_sorted() and not names.is_duplicated().any() and all(part.is_sorted() for part in parts)


def _labelled_set(drawn: pl.DataFrame, fold: int, spc: int | None, subset: str) -> pl.DataFrame:
    return drawn.sort("id").select(
        pl.lit(fold, pl.Int32).alias("fold"),
        pl.lit(spc, pl.Int32).alias("spc"),
        pl.lit(subset).alias("subset"),
        "id",
        "class",
        "label",
        "star",
    )


def _check_class_sizes(sizes: dict[str, int], metadata: pl.DataFrame, dataset: Dataset, name: str) -> None:
    empty = [label for label in dataset.classes if label not in sizes]
    if empty:
        known = (
            metadata.filter(pl.col("survey") == dataset.survey)["class"].cast(pl.String).drop_nulls().unique().sort()
        )
        raise InputError(
            f"datasets.{name}.classes: survey {dataset.survey} has no object of class {', '.join(empty)}; "
            f"its classes are {', '.join(known)}"
        )
    fewest = MIN_LEARNED if dataset.short_classes == "cap" else max(dataset.spc)
    short = [f"{label} ({sizes[label]})" for label in dataset.classes if sizes[label] < fewest + 1]
    if short:
        raise InputError(
            f"datasets.{name}.spc: {fewest} samples per class and at least one test object need {fewest + 1} "
            f"objects of each class; too few in {', '.join(short)}; "
            "leave these classes out, lower spc, or set short_classes: cap"
        )


def _draw_order(names: pl.Series, purpose: str) -> pl.Series:
    """Return one pseudo-random number per name, which depends only on the name and `purpose`."""
    digests = (hashlib.blake2b(f"{purpose}/{name}".encode(), digest_size=8).digest() for name in names)
    return pl.Series([int.from_bytes(digest) for digest in digests], dtype=pl.UInt64)
