"""Targets of the summary objective for the windows of a batch."""

from pathlib import Path

import numpy as np
import polars as pl
import tensorflow as tf


class TargetTable:
    """Look up the targets of windows by the ids of their stars, in graph.

    Args:
        path: Parquet file with the columns of `astromer.data.targets.summary_targets`.
    """

    def __init__(self, path: Path) -> None:
        table = pl.read_parquet(path)
        self.path = path
        rows = tf.lookup.KeyValueTensorInitializer(table["id"].to_list(), np.arange(len(table), dtype=np.int64))
        self.rows = tf.lookup.StaticHashTable(rows, -1)
        self.statistics = tf.constant(table["statistics"].to_numpy())
        self.period_class = tf.constant(table["period_class"].to_numpy())

    def add_to(self, batch: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Add `statistics` `(batch, 30)` float32 and `period_class` `(batch,)` int32 to a batch with `id`.

        Raises:
            tf.errors.InvalidArgumentError: a star is not in the table; the message names the file.
        """
        rows = self.rows.lookup(batch["id"])
        tf.debugging.assert_non_negative(rows, f"{self.path}: lacks the summary targets of a star of the records")
        return batch | {
            "statistics": tf.gather(self.statistics, rows),
            "period_class": tf.gather(self.period_class, rows),
        }
