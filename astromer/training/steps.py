"""Compiled steps of training and evaluation, on one replica or several, and sums of their results."""

import itertools
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from astromer.errors import InputError
from astromer.training.devices import split_over_replicas, sum_over_replicas
from astromer.training.objectives import Objective

Batch = Mapping[str, Any]
Batches = Iterable[Batch]
"""A `tf.data.Dataset` or any other iterable of dicts that can be iterated several times."""


def evaluate(model: keras.Model, objective: Objective, batches: Batches, *, jit: bool = False) -> dict[str, float]:
    """Score `model` on all of `batches` as one set, independently of the batch size; `windows` is its size."""
    totals = sum_batches(compile_step(model, objective, None, jit=jit), model, objective, batches)
    return {"windows": int(totals["windows"])} | scores(objective, totals)


def input_specs(model: keras.Model) -> dict[str, tf.TensorSpec]:
    """Return the shapes and dtypes of a model's inputs by name."""
    return {tensor.name: tf.TensorSpec(tensor.shape, tensor.dtype) for tensor in model.inputs}


def scores(objective: Objective, totals: Mapping[str, Any]) -> dict[str, float]:
    """Compute the loss and metrics from sums over a whole set, in float64."""
    exact = {name: ops.convert_to_tensor(value, "float64") for name, value in totals.items()}
    return {name: float(value) for name, value in objective.results(exact).items()}


def compile_step(
    model: keras.Model, objective: Objective, optimizer: keras.optimizers.Optimizer | None, *, jit: bool
) -> Callable[[Batch], Any]:
    """Compile a training step or, if `optimizer` is None, an evaluation step.

    Returns:
        A function from a batch to a vector: the totals in the objective's order; in training, the learning rate; and
        the number of NaN or infinite values in the batch.

    Raises:
        InputError: XLA (`jit`) is requested with several replicas.
    """
    strategy = model.distribute_strategy
    if jit and strategy.num_replicas_in_sync > 1:
        raise InputError("jit: XLA compiles the steps of one replica only")
    inputs = input_specs(model)
    specs = inputs | {name: tf.TensorSpec(*spec) for name, spec in objective.fields.items()}
    # One graph for all shapes. Without a signature, the compiled graph, and with it rounding, would depend on the shape
    # of the first batch, which differs in a resumed run. Values of several replicas cannot have such a signature.
    signature = [specs] if strategy.num_replicas_in_sync == 1 else None

    def forward(batch: Batch) -> dict[str, Any]:
        outputs = model({name: batch[name] for name in inputs}, training=optimizer is not None)
        return sum_over_replicas(objective.totals(outputs, batch))

    def on_replica(batch: Batch) -> Any:
        extra = []
        if optimizer is None:
            totals = forward(batch)
        else:
            extra.append(ops.cast(optimizer.learning_rate, "float32"))
            with tf.GradientTape() as tape:
                totals = forward(batch)
                loss = objective.results(totals)["loss"]
            variables = model.trainable_variables
            optimizer.apply(tape.gradient(loss, variables), variables)
        floats = [values for name, values in batch.items() if specs[name].dtype.is_floating]
        bad = sum(ops.sum(ops.cast(ops.logical_not(ops.isfinite(values)), "float32")) for values in floats)
        extra.append(sum_over_replicas({"bad": bad})["bad"])
        return ops.stack([totals[name] for name in objective.names] + extra)

    @tf.function(jit_compile=jit, input_signature=signature, reduce_retracing=True, autograph=False)
    def on_all_replicas(batch: Batch) -> Any:
        return strategy.run(on_replica, args=(batch,))

    def step(batch: Batch) -> Any:
        return strategy.experimental_local_results(on_all_replicas({name: batch[name] for name in specs}))[0]

    return step


def sum_batches(
    step: Callable[[Batch], Any],
    model: keras.Model,
    objective: Objective,
    batches: Batches,
    between: Callable[[], None] = lambda: None,
) -> dict[str, float]:
    """Return the totals of a whole set, summed in float64; `between` is called after each batch."""
    sums = np.zeros(len(objective.names) + 1)
    for batch in remaining(model, batches, 0):
        sums += np.asarray(step(batch), np.float64)
        between()
    if sums[-1]:
        raise InputError(f"the set to evaluate has {sums[-1]:.0f} NaN or infinite values")
    totals = dict(zip(objective.names, sums[:-1].tolist(), strict=True))
    if not totals["windows"]:
        raise InputError("the set to evaluate has no batches")
    return totals


def remaining(model: keras.Model, batches: Batches, done: int) -> Iterable[Batch]:
    """Return the batches after the first `done`, split over the replicas of `model`."""
    if done:
        batches = batches.skip(done) if isinstance(batches, tf.data.Dataset) else itertools.islice(batches, done, None)
    return split_over_replicas(batches, model.distribute_strategy)
