"""Supervised training of heads on frozen embeddings and of baselines on light curves."""

from collections.abc import Callable, Mapping

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from astromer.config.encoders import Training
from astromer.errors import InputError
from astromer.training.history import History
from astromer.training.loop import train
from astromer.training.objectives import ClassificationObjective
from astromer.training.state import StateFile
from astromer.training.steps import Batch, Batches, input_specs


def train_classifier(
    model: keras.Model,
    training: Callable[[int], Batches],
    validation: Batches,
    options: Training,
    *,
    jit: bool = False,
    state: StateFile | None = None,
) -> History:
    """Train a model with logits `(batch, classes)` as output in place, and leave it with its best weights.

    Batches contain the model's inputs and `label`, integers of shape `(batch,)`; for arrays in memory, see
    `array_batches`. The batch size in `options` is not used. Arguments and errors are those of `loop.train`.
    """
    with model.distribute_strategy.scope():
        optimizer = keras.optimizers.Adam(options.learning_rate)
    return train(
        model,
        optimizer,
        ClassificationObjective(),
        training,
        validation,
        epochs=options.epochs,
        patience=options.patience,
        jit=jit,
        state=state,
    )


def array_batches(
    arrays: Mapping[str, np.ndarray], batch_size: int, *, seed: int | None = None
) -> Callable[[int], list[Batch]]:
    """Split arrays with a common first axis into batches; with a seed, the rows are shuffled in each epoch.

    Args:
        arrays: arrays by name, all of the same length.
        batch_size: rows per batch; the last batch may have fewer.
        seed: seed of the order, which depends on the seed and the epoch only. None keeps the order of the arrays.

    Returns:
        A function from the epoch, counted from 0, to its batches.

    Raises:
        InputError: the arrays differ in length.
    """
    lengths = {name: len(array) for name, array in arrays.items()}
    if len(set(lengths.values())) != 1:
        raise InputError(f"arrays of one length were expected, these have {lengths}")
    rows = next(iter(lengths.values()))

    def batches(epoch: int) -> list[Batch]:
        order = np.arange(rows) if seed is None else np.random.default_rng([seed, epoch]).permutation(rows)
        chunks = (order[start : start + batch_size] for start in range(0, rows, batch_size))
        return [{name: array[chunk] for name, array in arrays.items()} for chunk in chunks]

    return batches


def predict(model: keras.Model, batches: Batches) -> np.ndarray:
    """Return class probabilities `(rows, classes)`, float32, in the order of the batches."""
    inputs = input_specs(model)

    @tf.function(input_signature=[inputs])
    def probabilities(batch: Batch) -> tf.Tensor:
        return ops.softmax(ops.cast(model(batch, training=False), "float32"), axis=-1)

    return np.concatenate([probabilities({name: batch[name] for name in inputs}) for batch in batches])
