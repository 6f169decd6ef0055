"""Scores of a reconstructor and of two reference predictors without training, on the same masked windows."""

import keras
import numpy as np

from astromer.errors import InputError
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
