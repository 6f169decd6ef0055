"""Windows of light curves in memory, which are read once and therefore need no files of records."""

from collections.abc import Iterator

import numpy as np
import polars as pl
import tensorflow as tf

from astromer.data.masking import show_windows
from astromer.data.phases import object_periods, window_periods
from astromer.data.pieces import light_curve_spans
from astromer.data.records import UNLABELLED
from astromer.data.windows import Cuts, cut_windows, regular_windows


def table_batches(
    observations: pl.DataFrame, *, window: int, batch_size: int, pad_multiple: int | None, num_periods: int
) -> Iterator[dict[str, tf.Tensor]]:
    """Yield the windows of light curves with all points visible, as `astromer.data.batches.plain_batches` does.

    Args:
        observations: `id`, perhaps `band`, `mjd` [days], `mag` and `err_mag`, sorted by id, band and mjd; the labels
            are unknown. Each band of an object is a light curve by itself.
        window: maximum number of observations per window.
        batch_size: windows per batch.
        pad_multiple: pad to the next multiple of this above the longest window of a batch, in order of their lengths;
            None pads all to `window`, in the order of the table.
        num_periods: number of `periods` to add, those of all observations of each window's object.
    """
    spans = light_curve_spans(observations)
    lengths = spans["length"].to_numpy().astype(np.int32)
    records = {
        "id": tf.constant(spans["id"].cast(pl.String).to_list()),
        "offset": tf.constant(spans["offset"].to_numpy().astype(np.int32)),
        "label": tf.fill(lengths.shape, UNLABELLED),
        "length": tf.constant(lengths),
        "mjd": tf.constant(observations["mjd"].to_numpy()),
        "mag": tf.constant(observations["mag"].to_numpy()),
        "err_mag": tf.constant(observations["err_mag"].to_numpy()),
    }
    cuts, points = cut_light_curves(lengths, window)
    options = {"window": window, "batch_size": batch_size, "pad_multiple": pad_multiple, "num_periods": num_periods}
    for _, batch in window_batches(records, cuts, points, **options):
        yield batch


def cut_light_curves(lengths: np.ndarray, window: int) -> tuple[Cuts, np.ndarray]:
    """Return the windows of light curves with `lengths` `(objects,)`, and the observations in each `(windows,)`."""
    cuts = Cuts(*(tensor.numpy() for tensor in _all_windows(tf.constant(lengths), tf.constant(window))))
    return cuts, np.minimum(lengths[cuts.series], window)


def window_batches(
    records: dict[str, tf.Tensor],
    cuts: Cuts,
    points: np.ndarray,
    *,
    window: int,
    batch_size: int,
    pad_multiple: int | None,
    num_periods: int,
) -> Iterator[tuple[np.ndarray, dict[str, tf.Tensor]]]:
    """Yield batches of windows: their positions in `cuts`, and a dict of `astromer.data.masking.show_windows`.

    Args:
        records: light curves as `astromer.data.parsing.parse_records` returns them.
        cuts, points: see `cut_light_curves`.
        window, batch_size, pad_multiple, num_periods: as for `table_batches`.
    """
    periods = object_periods(records, num_periods) if num_periods else None
    order = np.arange(len(points)) if pad_multiple is None else np.argsort(points, kind="stable")
    for first in range(0, len(order), batch_size):
        rows = order[first : first + batch_size]
        longest = window if pad_multiple is None else -(-int(points[rows].max()) // pad_multiple) * pad_multiple
        chosen = Cuts(*(tf.constant(column[rows]) for column in cuts))
        yield rows, _shown_windows(records, chosen, tf.constant(min(longest, window)), periods)


# Compiled: for a single star, calling each of these small operations takes longer than computing it.


@tf.function(input_signature=[tf.TensorSpec((None,), tf.int32), tf.TensorSpec((), tf.int32)])
def _all_windows(lengths: tf.Tensor, window: tf.Tensor) -> Cuts:
    return regular_windows(lengths, window)


@tf.function(reduce_retracing=True)
def _shown_windows(
    records: dict[str, tf.Tensor], cuts: Cuts, window: tf.Tensor, periods: tf.Tensor | None
) -> dict[str, tf.Tensor]:
    windows = cut_windows(records, cuts, window)
    if periods is not None:
        windows["periods"] = window_periods(periods, cuts.series, windows["mean_mjd"])
    return show_windows(windows)
