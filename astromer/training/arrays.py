"""Batches of arrays in memory."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from astromer.errors import InputError

STACKED_BATCHES = 16
"""Batches per stack: more save little time per step, and a stack of sequences is held in memory."""


@dataclass(frozen=True)
class ArrayBatches:
    """Batches of the rows of arrays, copied in each iteration, because sequences of vectors are large.

    Attributes:
        arrays: arrays by name, all of the same length; float16 becomes float32.
        order: rows in the order of the batches.
        batch_size: rows per batch; the last batch may have fewer.
    """

    arrays: Mapping[str, np.ndarray]
    order: np.ndarray
    batch_size: int

    def __iter__(self) -> Iterator[dict[str, np.ndarray]]:
        """Yield the batches."""
        for start in range(0, len(self.order), self.batch_size):
            yield self._rows(self.order[start : start + self.batch_size])

    def stacks(self, done: int) -> Iterator[dict[str, np.ndarray]]:
        """Yield the batches after the first `done` as stacks `(batches, rows, ...)` of batches of the same size."""
        num_full = len(self.order) // self.batch_size
        full, rest = np.split(self.order, [num_full * self.batch_size])
        full = full.reshape(num_full, self.batch_size)
        for start in range(done, num_full, STACKED_BATCHES):
            yield self._rows(full[start : start + STACKED_BATCHES])
        if done <= num_full and len(rest):
            yield self._rows(rest[None])

    def _rows(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        return {name: _single(array[rows]) for name, array in self.arrays.items()}


def array_batches(
    arrays: Mapping[str, np.ndarray], batch_size: int, *, seed: int | None = None
) -> Callable[[int], ArrayBatches]:
    """Split arrays with a common first axis into batches; with a seed, the rows are shuffled in each epoch.

    Args:
        arrays: arrays by name, all of the same length.
        batch_size: rows per batch; the last batch may have fewer.
        seed: seed of the order, which depends on the seed and the epoch only. None keeps the order of the arrays.

    Returns:
        A function from the epoch, counted from 0, to its batches.

    Raises:
        InputError: the arrays differ in length.
    """
    lengths = {name: len(array) for name, array in arrays.items()}
    if len(set(lengths.values())) != 1:
        raise InputError(f"arrays of one length were expected, these have {lengths}")
    rows = next(iter(lengths.values()))

    def batches(epoch: int) -> ArrayBatches:
        order = np.arange(rows) if seed is None else np.random.default_rng([seed, epoch]).permutation(rows)
        return ArrayBatches(arrays, order, batch_size)

    return batches


def _single(array: np.ndarray) -> np.ndarray:
    return array.astype(np.float32) if array.dtype == np.float16 else array
