"""Targets of the summary objective: a table of stars, and its rows for the windows of a batch."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl
import tensorflow as tf

from astromer.config.statistics import STATISTICS
from astromer.data.statistics import normalised_ranks, period_classes
from astromer.errors import InputError

NO_PERIOD_CLASS = -1


def summary_targets(statistics: pl.DataFrame, reference: Sequence[str]) -> pl.DataFrame:
    """Compute the targets of the summary objective for each star.

    Args:
        statistics: `id` and the columns of `astromer.config.statistics.STATISTICS`, one row per star.
        reference: ids of the training stars; ranks are relative to these.

    Returns:
        One row per star: `id`; `statistics`, float32 array `(30,)`, normalised ranks in the order of `STATISTICS`;
        `period_class`, int32, -1 for a star without a period.

    Raises:
        InputError: none of the training stars has statistics.
    """
    ids = statistics["id"].to_list()
    values = statistics.select(STATISTICS).to_numpy()
    of_reference = np.isin(ids, list(reference))
    if not of_reference.any():
        raise InputError("summary targets: none of the training stars has statistics")
    has_period = values[:, STATISTICS.index("log_snr")] > 0
    classes = period_classes(values[:, STATISTICS.index("log_period")])
    return pl.DataFrame(
        {
            "id": ids,
            "statistics": pl.Series(
                normalised_ranks(values, values[of_reference]), dtype=pl.Array(pl.Float32, len(STATISTICS))
            ),
            "period_class": np.where(has_period, classes, NO_PERIOD_CLASS).astype(np.int32),
        }
    )


class TargetTable:
    """Look up the targets of windows by the ids of their stars, in graph.

    Args:
        path: Parquet file with the columns of `summary_targets`.
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
