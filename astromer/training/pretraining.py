"""Masked reconstruction: pretraining of an encoder on one survey and its finetuning on another."""

from collections.abc import Callable
from typing import Any

import keras

from astromer.config.encoders import EncoderTraining
from astromer.training.history import History
from astromer.training.loop import train
from astromer.training.objectives import ReconstructionObjective
from astromer.training.state import StateFile
from astromer.training.steps import Batches


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


def pretrain(
    model: keras.Model,
    training: Callable[[int], Batches],
    validation: Batches,
    options: EncoderTraining,
    *,
    weighted: bool,
    jit: bool = False,
    state: StateFile | None = None,
) -> History:
    """Train a reconstruction model in place with the paper's Adam(0.9, 0.98, 1e-9); leave it with its best weights.

    Pretraining and finetuning differ only in their data, initial weights and options. The other arguments, and the
    errors, are those of `loop.train`.

    Args:
        options: training options; the batch size and the time shift are not used, because they are applied to the
            batches.
        weighted: weight squared errors by the points' uncertainty: True for Astromer 2, False for Astromer 1.
    """
    rate = WarmUp(options.learning_rate, options.warmup_steps) if options.warmup_steps else options.learning_rate
    with model.distribute_strategy.scope():
        optimizer = keras.optimizers.Adam(rate, beta_1=0.9, beta_2=0.98, epsilon=1e-9)
    return train(
        model,
        optimizer,
        ReconstructionObjective(weighted),
        training,
        validation,
        epochs=options.epochs,
        patience=options.patience,
        jit=jit,
        state=state,
    )
