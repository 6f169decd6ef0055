"""Masked reconstruction: pretraining of an encoder on one survey and its finetuning on another."""

from collections.abc import Callable
from dataclasses import dataclass

import keras
import numpy as np

from astromer.errors import InputError
from astromer.training.history import History
from astromer.training.loop import train
from astromer.training.objectives import ReconstructionObjective
from astromer.training.state import StateFile
from astromer.training.steps import Batch, Batches, evaluate, scores


@dataclass(frozen=True)
class PretrainingOptions:
    """How to pretrain or finetune; the two differ in nothing but their data, first weights and these values.

    Attributes:
        learning_rate: of Adam(0.9, 0.98, 1e-9), the paper's; with a warm-up, its peak.
        epochs: at most so many.
        patience: epochs without a lower validation loss before training stops.
        weighted: weight squared errors by the points' uncertainty: True for Astromer 2, False for Astromer 1.
        warmup_steps: length of the linear warm-up, which inverse-square-root decay follows; 0 for a constant rate.
        jit: compile the steps with XLA.
    """

    learning_rate: float
    epochs: int
    patience: int
    weighted: bool
    warmup_steps: int = 0
    jit: bool = False


@keras.saving.register_keras_serializable(package="astromer")
class WarmUp(keras.optimizers.schedules.LearningRateSchedule):
    """Rise linearly to `peak` at step `warmup_steps`, then fall with the inverse square root of the step.

    The transformer's schedule for width d has `peak = (d * warmup_steps) ** -0.5`.
    """

    def __init__(self, peak: float, warmup_steps: int) -> None:
        self.peak, self.warmup_steps = peak, warmup_steps

    def __call__(self, step: int) -> object:
        """Learning rate at `step`, counted from 0."""
        progress = keras.ops.cast(step, "float32") / self.warmup_steps
        return self.peak * keras.ops.minimum(keras.ops.rsqrt(keras.ops.maximum(progress, 1e-12)), progress)

    def get_config(self) -> dict[str, float]:
        """Constructor arguments."""
        return {"peak": self.peak, "warmup_steps": self.warmup_steps}


def pretrain(
    model: keras.Model,
    training: Callable[[int], Batches],
    validation: Batches,
    options: PretrainingOptions,
    *,
    state: StateFile | None = None,
) -> History:
    """Train a reconstruction model in place to its best weights; arguments and errors are those of `loop.train`."""
    rate = WarmUp(options.learning_rate, options.warmup_steps) if options.warmup_steps else options.learning_rate
    with model.distribute_strategy.scope():
        optimizer = keras.optimizers.Adam(rate, beta_1=0.9, beta_2=0.98, epsilon=1e-9)
    return train(
        model,
        optimizer,
        ReconstructionObjective(options.weighted),
        training,
        validation,
        epochs=options.epochs,
        patience=options.patience,
        jit=options.jit,
        state=state,
    )


def evaluate_reconstruction(model: keras.Model, batches: Batches) -> dict[str, dict[str, float]]:
    """Score the model and two predictors that learned nothing on the same masked windows.

    Returns:
        For `model`, `window_mean` (mean of the window's visible points) and `interpolation` (linear in time between
        visible points, constant beyond them): `windows`, and `rmse_hidden`, `r2_hidden`, `rmse_probed`, `r2_probed`
        (RMSE in mag). Only the hidden points are a test: the other probed points are shown to the predictor.

    Raises:
        InputError: no batches, or no hidden point in any window.
    """
    objective = ReconstructionObjective(weighted=False)
    table = {"model": evaluate(model, objective, batches)}
    for name, predict in (("window_mean", window_mean), ("interpolation", interpolation)):
        sums = np.zeros(len(objective.names))
        for batch in batches:
            arrays = {key: np.asarray(batch[key]) for key in ("magnitudes", "times", "valid", *objective.fields)}
            totals = objective.totals(predict(arrays), arrays)
            sums += [float(totals[total]) for total in objective.names]
        totals = dict(zip(objective.names, sums, strict=True))
        if not totals["windows_hidden"]:
            raise InputError("no window of the set to evaluate has a hidden point")
        table[name] = {"windows": int(totals["windows"])} | scores(objective, totals)
    for row in table.values():
        del row["loss"]  # the same as rmse_probed, unless windows lack probed points
    return table


def window_mean(batch: Batch) -> np.ndarray:
    """Predict all points by the mean of the window's visible magnitudes, 0 if there is none: `(batch, window, 1)`."""
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
