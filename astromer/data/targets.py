"""Targets of the summary objective: a table of stars; nothing here loads TensorFlow."""

from collections.abc import Sequence

import numpy as np
import polars as pl

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
