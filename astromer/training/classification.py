"""Supervised training: of heads on stored embeddings, of baselines and joined heads on light curves."""

from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np
import polars as pl
import tensorflow as tf
from keras import ops

from astromer.config.datasets import Weighting
from astromer.config.training import Training
from astromer.models.heads import build_head
from astromer.models.standardise import adapt_to_training
from astromer.training.history import History
from astromer.training.loop import train
from astromer.training.objectives import ClassificationObjective
from astromer.training.state import StateFile
from astromer.training.steps import Batch, Batches, input_specs


def prepare_head(
    head: Mapping[str, Any], arrays: Mapping[str, np.ndarray], *, num_levels: int, dim: int, num_classes: int
) -> keras.Model:
    """Build a head whose inputs are standardised by the training rows.

    Args:
        head: `head` (its module), `variant`, `standardise` and `hidden_units`, see `astromer.models.heads.build_head`.
        arrays: the arrays of the training rows, by name.
        num_levels, dim, num_classes: as for `build_head`.
    """
    model = build_head(
        head["head"],
        num_levels=num_levels,
        dim=dim,
        num_classes=num_classes,
        hidden=head["hidden_units"],
        variant=head["variant"],
        standardise=head["standardise"],
    )
    adapt_to_training(model, arrays)
    return model


def train_classifier(
    model: keras.Model,
    training: Callable[[int], Batches],
    validation: Batches,
    options: Training,
    *,
    weighting: Weighting = "objects",
    state: StateFile | None = None,
) -> History:
    """Train a model with logits `(batch, classes)` as output in place, and leave it with its best weights.

    Batches contain the model's inputs, `label`, integers of shape `(batch,)`, and for the weighting `objects` the
    float32 `weight` `(batch,)`; for arrays in memory, see `astromer.training.arrays.array_batches`, for records
    `weigh_objects`. The optimizer is Adam; the batch size in `options` is not used. The other arguments, and the
    errors, are those of `loop.train`.

    Args:
        weighting: what has equal weight in the loss: `objects`, or `windows` as in the released code.
    """
    with model.distribute_strategy.scope():
        optimizer = keras.optimizers.Adam(options.learning_rate)
    return train(
        model,
        optimizer,
        ClassificationObjective(weighted=weighting == "objects"),
        training,
        validation,
        epochs=options.epochs,
        patience=options.patience,
        windows_at_once=options.windows_at_once,
        state=state,
    )


def weigh_objects(batches: tf.data.Dataset, windows: pl.DataFrame) -> tf.data.Dataset:
    """Add the weight of each window, 1 / number of windows of its object, to batches of windows.

    Args:
        batches: batches with the field `id`.
        windows: the column `id` of all windows of the set, as in `astromer.evaluation.embeddings.window_table`.
    """
    counts = windows.group_by("id").len().sort("id")
    weights = tf.constant(1 / counts["len"].to_numpy(), tf.float32)
    initializer = tf.lookup.KeyValueTensorInitializer(tf.constant(counts["id"].to_list()), weights)
    table = tf.lookup.StaticHashTable(initializer, default_value=np.nan)  # a window that is not in the table must fail
    return batches.map(lambda batch: {**batch, "weight": table.lookup(batch["id"])})


def predictor(model: keras.Model) -> Callable[[Batches], np.ndarray]:
    """Return a function from batches to class probabilities `(rows, classes)`, float32, in the order of the batches.

    It is compiled once, whatever the number of its calls.
    """
    inputs = input_specs(model)

    @tf.function(input_signature=[inputs], autograph=False)
    def probabilities(batch: Batch) -> tf.Tensor:
        return ops.softmax(ops.cast(model(batch, training=False), "float32"), axis=-1)

    return lambda batches: np.concatenate([probabilities({name: batch[name] for name in inputs}) for batch in batches])
