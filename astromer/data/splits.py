"""Which objects learn, which stop the training, and which test; drawn once, written down and reused.

Every draw orders the objects by a hash of the seed, the purpose and the object's id. It therefore depends neither on
the order of files nor on the number of cores, and an object keeps its place when others are added.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from astromer.data.sky import star_numbers
from astromer.errors import InputError

TRAIN_FRACTION = 0.8  # of the samples per class; the rest validates (paper, section 4)
MIN_LEARNED = 3  # samples of a class below which it cannot both train and validate


@dataclass(frozen=True)
class Dataset:
    """A labelled selection of a survey's objects and how sets are drawn from it.

    Attributes:
        name: the dataset's name.
        survey: the survey that it selects from.
        classes: the classes in the order of their labels.
        folds: number of independent draws.
        spc: samples (objects) per class for training and validation together, one set of each size per fold.
        test_per_class: test objects of each class and fold; where fewer are left, all of these.
        short_classes: what to do with a class that has too few objects: `error`, or `cap` to share out what it has, at
            least half of it to training and validation.
    """

    name: str
    survey: str
    classes: Sequence[str]
    folds: int
    spc: Sequence[int]
    test_per_class: int
    short_classes: str = "error"

    def num_learned(self, num_objects: int) -> int:
        """Objects of a class of this size that may train or validate in a fold; the others may test."""
        largest = max(self.spc)
        if self.short_classes == "cap" and num_objects < largest + self.test_per_class:
            return min(largest, num_objects - min(self.test_per_class, num_objects // 2))
        return largest


def number_stars(metadata: pl.DataFrame, radius_arcsec: float) -> pl.DataFrame:
    """Add the column `star`, alike for entries of the same star (see `astromer.data.sky.star_numbers`)."""
    return metadata.with_columns(star=pl.Series(star_numbers(metadata, radius_arcsec)))


def split_dataset(metadata: pl.DataFrame, dataset: Dataset, *, seed: int) -> pl.DataFrame:
    """Draw the test, training and validation objects of every fold and SPC.

    One test set per fold serves all SPC; a smaller SPC is a subset of a larger one. A star with several entries in the
    dataset takes part with the first of them.

    Args:
        metadata: objects with the columns survey, id, class and star.
        dataset: what to draw.
        seed: the run's seed.

    Returns:
        A row for each object in each set: fold, spc (null for the test set, which all share), subset (train, validation
        or test), id, class, label (rank of the class in `dataset.classes`) and star.

    Raises:
        InputError: a class has no objects or too few; the message lists all such classes.
    """
    members = metadata.filter((pl.col("survey") == dataset.survey) & pl.col("class").is_in(list(dataset.classes)))
    members = members.sort("id").unique("star", keep="first", maintain_order=True)
    sizes = dict(members.group_by("class").len().iter_rows())
    _check_class_sizes(sizes, metadata, dataset)
    learned = {name: dataset.num_learned(size) for name, size in sizes.items()}
    labels = {name: label for label, name in enumerate(dataset.classes)}
    members = members.with_columns(
        label=pl.col("class").replace_strict(labels, return_dtype=pl.Int32),
        learned=pl.col("class").replace_strict(learned, return_dtype=pl.Int64),
    )
    rank = pl.col("rank")
    sets = []
    for fold in range(dataset.folds):
        order = _draw_order(members["id"], f"{seed}/{dataset.name}/fold{fold}")
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


def count_objects(sets: pl.DataFrame, dataset: Dataset) -> pl.DataFrame:
    """Count the objects of each class in each set; `asked` is what the configuration wants of it."""
    counts = sets.group_by("fold", "spc", "subset", "label", "class").agg(pl.len().alias("objects"))
    num_train = (TRAIN_FRACTION * pl.col("spc")).round().cast(pl.Int64)
    asked = (
        pl.when(pl.col("subset") == "test")
        .then(pl.lit(dataset.test_per_class))
        .when(pl.col("subset") == "train")
        .then(num_train)
        .otherwise(pl.col("spc") - num_train)
    )
    table = counts.with_columns(dataset=pl.lit(dataset.name), asked=asked)
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
    """Draw the objects of pretraining; stars that any dataset tests on are left out.

    Args:
        metadata: objects of the surveys to learn from, columns survey, id and star.
        test_stars: `star` of every test object of every dataset and fold.
        validation_fraction: fraction of the stars that stops the training.
        test_fraction: fraction of the stars on which the reconstruction is scored.
        seed: the run's seed.

    Returns:
        survey, id, star and subset (train, validation or test), sorted by survey and id. All entries of a star are in
        the same subset.
    """
    allowed = metadata.filter(~pl.col("star").is_in(test_stars.unique().to_list()))
    stars = allowed.sort("survey", "id").unique("star", keep="first", maintain_order=True)
    order = _draw_order(stars.select(pl.format("{}/{}", "survey", "id")).to_series(), f"{seed}/pretraining")
    stars = stars.with_columns(order=order).sort("order")
    num_test, num_validation = round(test_fraction * stars.height), round(validation_fraction * stars.height)
    if min(num_test, num_validation, stars.height - num_test - num_validation) < 1:
        raise InputError(f"pretraining: {stars.height} stars are too few for a training, a validation and a test set")
    rank = pl.int_range(pl.len())
    subset = pl.when(rank < num_test).then(pl.lit("test")).when(rank < num_test + num_validation)
    subsets = stars.select("star", subset=subset.then(pl.lit("validation")).otherwise(pl.lit("train")))
    return allowed.join(subsets, on="star").select("survey", "id", "star", "subset").sort("survey", "id")


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


def _check_class_sizes(sizes: dict[str, int], metadata: pl.DataFrame, dataset: Dataset) -> None:
    empty = [name for name in dataset.classes if name not in sizes]
    if empty:
        known = metadata.filter(pl.col("survey") == dataset.survey)["class"].drop_nulls().unique().sort()
        raise InputError(
            f"datasets.{dataset.name}.classes: survey {dataset.survey} has no object of class {', '.join(empty)}; "
            f"its classes are {', '.join(known)}"
        )
    fewest = MIN_LEARNED if dataset.short_classes == "cap" else max(dataset.spc)
    short = [f"{name} ({sizes[name]})" for name in dataset.classes if sizes[name] < fewest + 1]
    if short:
        raise InputError(
            f"datasets.{dataset.name}.spc: {fewest} samples per class and at least one test object need {fewest + 1} "
            f"objects of each class; too few in {', '.join(short)}; "
            "leave these classes out, lower spc, or set short_classes: cap"
        )


def _draw_order(names: pl.Series, purpose: str) -> pl.Series:
    """Give each name a pseudo-random number that depends on nothing but itself and `purpose`."""
    digests = (hashlib.blake2b(f"{purpose}/{name}".encode(), digest_size=8).digest() for name in names)
    return pl.Series([int.from_bytes(digest) for digest in digests], dtype=pl.UInt64)
