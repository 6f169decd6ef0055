"""Scores of a reconstructor and of two reference predictors without training, on the same masked windows."""

from collections.abc import Callable, Sequence

import keras
import numpy as np
import polars as pl
import tensorflow as tf

from astromer.errors import InputError
from astromer.models.encoders import model_inputs, predicted_magnitudes
from astromer.training.objectives import ReconstructionObjective
from astromer.training.steps import Batch, Batches, evaluate, scores


def evaluate_reconstruction(model: keras.Model, batches: Batches) -> dict[str, dict[str, float]]:
    """Score the model and two predictors without training on the same masked windows.

    Returns:
        For `model`, `window_mean` (mean of the window's visible points) and `interpolation` (linear in time between
        visible points, constant beyond them): `windows`, and `rmse_hidden`, `r2_hidden`, `rmse_probed`, `r2_probed`
        (RMSE in mag). Only hidden points test a predictor: the other probed points are part of its input.

    Raises:
        InputError: no batches, or no hidden point in any window.
    """
    objective = ReconstructionObjective(weighted=False)
    table = {"model": evaluate_model(model, batches)}
    for name, predict in (("window_mean", window_mean), ("interpolation", interpolation)):
        sums = np.zeros(len(objective.names))
        for batch in batches:
            arrays = {key: np.asarray(batch[key]) for key in ("magnitudes", "times", "valid", *objective.fields)}
            totals = objective.totals(predict(arrays), arrays)
            sums += [float(totals[total]) for total in objective.names]
        totals = dict(zip(objective.names, sums, strict=True))
        if not totals["windows_hidden"]:
            raise InputError("no window of the set to evaluate has a hidden point")
        table[name] = {"windows": int(totals["windows"])} | _without_loss(scores(objective, totals))
    return table


def evaluate_model(model: keras.Model, batches: Batches) -> dict[str, float]:
    """Score a model alone: the row `model` of `evaluate_reconstruction`."""
    return _without_loss(evaluate(model, ReconstructionObjective(weighted=False), batches))


def _without_loss(row: dict[str, float]) -> dict[str, float]:
    """Leave out the loss, which is equal to `rmse_probed` unless windows lack probed points."""
    return {name: value for name, value in row.items() if name != "loss"}


def window_mean(batch: Batch) -> np.ndarray:
    """Predict all points by the mean of the window's visible magnitudes, or 0 without any: `(batch, window, 1)`."""
    magnitudes, valid = batch["magnitudes"], batch["valid"]
    mean = (magnitudes * valid).sum(axis=1, keepdims=True) / np.maximum(valid.sum(axis=1, keepdims=True), 1.0)
    return np.broadcast_to(mean, magnitudes.shape)


def interpolation(batch: Batch) -> np.ndarray:
    """Predict each point by linear interpolation in time between visible ones: `(batch, window, 1)`."""

    def of_window(magnitudes: np.ndarray, times: np.ndarray, valid: np.ndarray) -> np.ndarray:
        visible = valid > 0
        return np.interp(times, times[visible], magnitudes[visible]) if visible.any() else np.zeros_like(magnitudes)

    columns = (batch[name][..., 0] for name in ("magnitudes", "times", "valid"))
    return np.stack([of_window(*window) for window in zip(*columns, strict=True)])[..., None].astype("float32")


def hidden_errors_by_class(model: keras.Model, batches: Batches, classes: Sequence[str]) -> pl.DataFrame:
    """Compute errors at hidden points for the windows of each class: the model, and the predictors without training.

    Classes are apart, because an error averaged over all stars is dominated by those of large amplitude.

    Args:
        model: reconstructor.
        batches: masked windows of labelled objects that it was not trained on.
        classes: the dataset's ordered class list.

    Returns:
        One row per class: `class`, `windows` with a hidden point, and `model`, `interpolation`, `window_mean`: the root
        of the mean over windows of the mean squared error at hidden points [mag]; null for a class without windows.
    """
    predict = tf.function(lambda inputs: predicted_magnitudes(model(inputs, training=False)), reduce_retracing=True)
    predictors: dict[str, Callable[[Batch], np.ndarray]] = {
        "model": lambda batch: predict({name: batch[name] for name in model_inputs(model, batch)}).numpy(),
        "interpolation": interpolation,
        "window_mean": window_mean,
    }
    sums = {name: np.zeros(len(classes)) for name in ("windows", *predictors)}
    for batch in batches:
        arrays = {name: np.asarray(value) for name, value in batch.items()}
        points = arrays["hidden"].sum(axis=(1, 2))
        labels, shown = arrays["label"][points > 0], points > 0
        sums["windows"] += np.bincount(labels, minlength=len(classes))
        for name, predictor in predictors.items():
            squared = (np.square(arrays["target"] - predictor(arrays)) * arrays["hidden"]).sum(axis=(1, 2))
            sums[name] += np.bincount(labels, squared[shown] / points[shown], minlength=len(classes))
    windows = sums.pop("windows")
    with np.errstate(invalid="ignore"):
        roots = {name: np.sqrt(total / windows) for name, total in sums.items()}
    table = pl.DataFrame({"class": classes, "windows": windows.astype(np.int64), **roots})
    return table.with_columns(pl.col(roots.keys()).fill_nan(None))
