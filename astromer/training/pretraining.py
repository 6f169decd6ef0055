"""Masked reconstruction: pretraining of an encoder on one survey and its finetuning on another."""

from collections.abc import Callable, Mapping
from typing import Any, cast

import keras

from astromer.config.encoders import Encoder
from astromer.config.training import EncoderTraining
from astromer.training.history import History
from astromer.training.loop import train
from astromer.training.objectives import Objective, ReconstructionObjective
from astromer.training.state import StateFile
from astromer.training.steps import Batches
from astromer.training.summary import SummaryObjective


@keras.saving.register_keras_serializable(package="astromer")
class WarmUp(keras.optimizers.schedules.LearningRateSchedule):
    """Learning rate that rises linearly to `peak` at step `warmup_steps`, then falls as the inverse square root.

    The schedule of Vaswani et al. (2017) for width d has `peak = (d * warmup_steps) ** -0.5`.
    """

    def __init__(self, peak: float, warmup_steps: int) -> None:
        self.peak, self.warmup_steps = peak, warmup_steps

    def __call__(self, step: int) -> Any:
        """Return the learning rate at `step`, counted from 0."""
        progress = keras.ops.cast(step, "float32") / self.warmup_steps
        return self.peak * keras.ops.minimum(keras.ops.rsqrt(keras.ops.maximum(progress, 1e-12)), progress)

    def get_config(self) -> dict[str, float]:
        """Return the constructor arguments."""
        return {"peak": self.peak, "warmup_steps": self.warmup_steps}


def pretraining_objective(encoder: Encoder) -> Objective:
    """Return the objective of an encoder: points have equal weight in v1, and are weighted by uncertainty otherwise."""
    reconstruction = ReconstructionObjective(weighted=encoder.architecture != "v1", scaled=bool(encoder.scaled_loss))
    if not encoder.summary_weight:
        return reconstruction
    return SummaryObjective(reconstruction, encoder.summary_weight)


def learning_rate(options: EncoderTraining) -> float | keras.optimizers.schedules.LearningRateSchedule:
    """Return the learning rate, or its schedule over the optimizer's steps."""
    if options.decay == "cosine":
        peak, warmup = options.learning_rate, options.warmup_steps
        rising = {"initial_learning_rate": 0.0, "warmup_target": peak, "warmup_steps": warmup}
        start = rising if warmup else {"initial_learning_rate": peak}
        return keras.optimizers.schedules.CosineDecay(**start, decay_steps=cast(int, options.decay_steps) - warmup)
    return WarmUp(options.learning_rate, options.warmup_steps) if options.warmup_steps else options.learning_rate


def pretrain(
    model: keras.Model,
    training: Callable[[int], Batches],
    validation: Batches,
    options: EncoderTraining,
    objective: Objective,
    *,
    jit: bool = False,
    optimizer: keras.optimizers.Optimizer | None = None,
    on_epoch: Callable[[Mapping[str, float]], None] = lambda row: None,
    state: StateFile | None = None,
) -> History:
    """Train a reconstruction model in place with the paper's Adam(0.9, 0.98, 1e-9); leave it with its best weights.

    Pretraining and finetuning differ only in their data, initial weights and options. The other arguments, and the
    errors, are those of `loop.train`.

    Args:
        options: training options; `batch_size`, `time_shift` and `wrong_periods` are applied to the batches, not here.
        objective: see `pretraining_objective`.
        optimizer: another one than the paper's Adam; it has its own learning rate.
    """
    with model.distribute_strategy.scope():
        if optimizer is None:
            optimizer = keras.optimizers.Adam(learning_rate(options), beta_1=0.9, beta_2=0.98, epsilon=1e-9)
    return train(
        model,
        optimizer,
        objective,
        training,
        validation,
        epochs=options.epochs,
        patience=options.patience,
        keep_better_start=True,
        jit=jit,
        clip_norm=options.clip_norm,
        windows_at_once=options.windows_at_once,
        on_epoch=on_epoch,
        state=state,
    )
