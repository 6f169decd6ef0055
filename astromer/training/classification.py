"""Supervised training of heads on frozen embeddings and of baselines on light curves."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from astromer.errors import InputError
from astromer.training.history import History
from astromer.training.loop import train
from astromer.training.objectives import ClassificationObjective
from astromer.training.state import StateFile
from astromer.training.steps import Batch, Batches, input_specs


@dataclass(frozen=True)
class ClassificationOptions:
    """How to train a classifier.

    Attributes:
        learning_rate: of Adam with the defaults of Keras.
        epochs: at most so many.
        patience: epochs without a lower validation loss before training stops.
        jit: compile the steps with XLA.
    """

    learning_rate: float
    epochs: int
    patience: int
    jit: bool = False


def train_classifier(
    model: keras.Model,
    training: Callable[[int], Batches],
    validation: Batches,
    options: ClassificationOptions,
    *,
    state: StateFile | None = None,
) -> History:
    """Train a model that gives logits `(batch, classes)` in place to its best weights.

    Batches hold the model's inputs and `label`, integers of shape `(batch,)`; for arrays in memory, see
    `array_batches`. Arguments and errors are those of `loop.train`.
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
        jit=options.jit,
        state=state,
    )


def array_batches(
    arrays: Mapping[str, np.ndarray], batch_size: int, *, seed: int | None = None
) -> Callable[[int], list[Batch]]:
    """Cut arrays with a common first axis into batches; with a seed, in another order each epoch.

    Args:
        arrays: name to array; all of the same length.
        batch_size: rows of a batch; the last one may have fewer.
        seed: of the order, which depends on it and the epoch only. None: the order of the arrays.

    Returns:
        A function from the epoch, counted from 0, to its batches.

    Raises:
        InputError: the arrays differ in length.
    """
    lengths = {name: len(array) for name, array in arrays.items()}
    if len(set(lengths.values())) != 1:
        raise InputError(f"arrays of one length were expected, these have {lengths}")
    rows = next(iter(lengths.values()))

    def batches(epoch: int) -> Iterable[Batch]:
        order = np.arange(rows) if seed is None else np.random.default_rng([seed, epoch]).permutation(rows)
        chunks = (order[start : start + batch_size] for start in range(0, rows, batch_size))
        return [{name: array[chunk] for name, array in arrays.items()} for chunk in chunks]

    return batches


def predict(model: keras.Model, batches: Batches) -> np.ndarray:
    """Class probabilities `(rows, classes)`, float32, in the order of the batches."""
    inputs = input_specs(model)

    @tf.function(input_signature=[inputs])
    def probabilities(batch: Batch) -> tf.Tensor:
        return ops.softmax(ops.cast(model(batch, training=False), "float32"), axis=-1)

    return np.concatenate([probabilities({name: batch[name] for name in inputs}) for batch in batches])
