"""Reconstructions of the hidden points of example light curves (Appendix B)."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import keras
import numpy as np
import polars as pl

from astromer.config.section import Variant
from astromer.config.training import Masking
from astromer.data.batches import pretraining_batches
from astromer.data.parsing import read_records
from astromer.errors import InputError
from astromer.evaluation.examples import draw_examples, window_points, windows_of
from astromer.evaluation.predictors import interpolation
from astromer.models.encoders import model_inputs, num_periods_of, predicted_magnitudes

WINDOWS_AT_ONCE = 256


def reconstructed_points(
    model: keras.Model,
    records: Path,
    *,
    classes: Sequence[str],
    per_class: int,
    window: int,
    masking: Masking,
    seed: int,
) -> pl.DataFrame:
    """Hide points of example light curves and predict them with the model.

    No hidden magnitude reaches the model, for either variant: the input at hidden points is 0, and the mean of the
    shown points is subtracted. In the released code, hidden magnitudes pass through the residual layers, so that its
    published reconstructions are partly copies.

    Args:
        model: reconstructor.
        records: records of labelled objects that the model has not been trained on.
        classes: the dataset's ordered class list.
        per_class: examples per class, see `examples.draw_examples`; one random window of each.
        window: observations per window.
        masking: fractions of probed, shown and replaced points.
        seed: seed of the choice of objects, windows and masks.

    Returns:
        One row per real point: `class`, `example`, `id`, `start`, `mjd`, `mag`, `err_mag`, `period_days`, `phase`,
        `probed`, `hidden`, and three predictions in mag, null except at hidden points: `predicted` (by the model),
        `interpolated` (linear in time between visible points) and `window_mean` (mean of the visible points).

    Raises:
        InputError: a class has no object, no period can be found for an object, or a window has no hidden point.
    """
    examples, observations = draw_examples(records, classes, per_class, seed=seed)
    num_periods = num_periods_of(model)
    windows = _masked_windows(
        records, examples["id"], window=window, masking=masking, variant="paper", seed=seed, num_periods=num_periods
    )
    empty = windows["hidden"].sum(axis=(1, 2)) == 0
    if empty.any():
        raise InputError(
            f"{records}: object {windows['id'][empty][0]!r}: its window has no hidden point with {masking}"
        )
    predicted = np.asarray(predicted_magnitudes(model(model_inputs(model, windows), training=False)))
    points = window_points(windows | {"predicted": predicted, "interpolated": interpolation(windows)}, observations)
    # The subtracted mean differs between points only by rounding.
    mean = (pl.col("mag") - pl.col("target")).mean().over("id")
    at_hidden = {name: pl.when("hidden").then(pl.col(name) + mean) for name in ("predicted", "interpolated")}
    return (
        points.with_columns(pl.col("probed", "hidden").cast(pl.Boolean))
        .with_columns(**at_hidden, window_mean=pl.when("hidden").then(mean))
        .join(examples.select("id", "class", "example", "period_days"), on="id")
        .select(
            *("class", "example", "id", "start", "mjd", "mag", "err_mag", "period_days", "phase"),
            *("probed", "hidden", "predicted", "interpolated", "window_mean"),
        )
        .sort(pl.col("class").cast(pl.Enum(classes)), "example", "mjd")
    )


def masked_window(
    records: Path, object_id: str, *, window: int, masking: Masking, variant: Variant = "paper", seed: int
) -> pl.DataFrame:
    """Mask one random window of an object as for validation, and return its points (`.to_pandas()` for pandas).

    Args:
        records: file of records.
        object_id: id of one of its objects.
        window: maximum number of observations in the window.
        masking: fractions of probed, shown and replaced points.
        variant: see `astromer.data.masking.mask_windows`.
        seed: seed of the choice of the window and its masks.

    Returns:
        One row per real point: `id`, `mjd`, `mag`, `err_mag`, `start`, the columns of `mask_windows` (`magnitudes`,
        `times`, `valid`, `target`, `probed`, `hidden`, `weight`), and `state`: `unprobed`, or for probed points
        `shown`, `replaced` (shown with another magnitude) or `hidden`.

    Raises:
        InputError: the file has no such object.
    """
    _, observations = read_records(records)
    if object_id not in observations["id"]:
        raise InputError(f"{records}: there is no object {object_id!r}")
    windows = _masked_windows(records, [object_id], window=window, masking=masking, variant=variant, seed=seed)
    state = (
        pl.when(pl.col("probed") == 0)
        .then(pl.lit("unprobed"))
        .when(pl.col("hidden") == 1)
        .then(pl.lit("hidden"))
        .when(pl.col("magnitudes") != pl.col("target"))
        .then(pl.lit("replaced"))
        .otherwise(pl.lit("shown"))
    )
    return window_points(windows, observations).with_columns(state=state)


def _masked_windows(
    records: Path,
    ids: Iterable[str],
    *,
    window: int,
    masking: Masking,
    variant: Variant,
    seed: int,
    num_periods: int = 0,
) -> dict[str, np.ndarray]:
    """Draw one random window of each of these objects and mask it as for validation; add `num_periods` periods."""
    batches = pretraining_batches(
        [records],
        window=window,
        batch_size=WINDOWS_AT_ONCE,
        seed=seed,
        masking=masking,
        variant=variant,
        training=False,
        sampling=True,
        num_periods=num_periods,
    )
    return windows_of(batches, ids)
