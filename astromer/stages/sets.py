"""Batches of the training, validation and test windows of one fold and SPC, for classifiers that read light curves."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path

import tensorflow as tf

from astromer.data.batches import PAD_MULTIPLE, plain_batches
from astromer.evaluation.embeddings import window_table
from astromer.splits.draw import SUBSETS
from astromer.training.classification import weigh_objects


def records_of_sets(
    folds: Sequence[int], spc: Sequence[int], train: Sequence[Path], validation: Sequence[Path], test: Sequence[Path]
) -> Iterator[tuple[int, int, dict[str, Path]]]:
    """Yield fold, SPC and the records of `train`, `validation` and `test`, one after the other.

    Args:
        folds, spc: all folds, and all SPC.
        train, validation: records, one file for each fold and SPC, in the order of the folds.
        test: records, one file per fold, which all SPC share.
    """
    tests = [path for path in test for _ in spc]
    for (fold, size), *files in zip(product(folds, spc), train, validation, tests, strict=True):
        yield fold, size, dict(zip(SUBSETS, files, strict=True))


class WindowSets:
    """The windows of three sets of records.

    Attributes:
        windows: `id`, `window`, `label` and `length` of the windows of each set, in the order of its batches.
    """

    def __init__(
        self,
        records: Mapping[str, Path],
        *,
        window: int,
        batch_size: int,
        num_periods: int = 0,
        pad_multiple: int | None = PAD_MULTIPLE,
    ) -> None:
        """Read the identities of all windows.

        Args:
            records: files of `train`, `validation` and `test`.
            window: observations per window.
            batch_size: windows per batch.
            num_periods: number of periods to add, of each window's object.
            pad_multiple: see `astromer.data.batches.pretraining_batches`.
        """
        self.records = records
        self.options = {
            "window": window,
            "batch_size": batch_size,
            "pad_multiple": pad_multiple,
            "num_periods": num_periods,
        }
        self.windows = {subset: window_table(self.batches(subset)) for subset in records}

    def batches(self, subset: str, *, seed: int | None = None, epoch: int = 0) -> tf.data.Dataset:
        """Return one epoch of the windows of a set, shuffled if there is a seed."""
        order = {"shuffle": seed is not None, "seed": seed or 0, "epoch": epoch}
        return plain_batches([self.records[subset]], **self.options, **order)

    def training(self, seed: int, epoch: int) -> tf.data.Dataset:
        """Return one shuffled epoch of the training windows, with weights that give equal weight to objects."""
        return weigh_objects(self.batches("train", seed=seed, epoch=epoch), self.windows["train"])

    def validation(self) -> tf.data.Dataset:
        """Return the validation windows, with weights that give equal weight to objects."""
        return weigh_objects(self.batches("validation"), self.windows["validation"])
