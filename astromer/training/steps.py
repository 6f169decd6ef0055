"""Compiled steps of training and evaluation, on one replica or several, and sums of their results."""

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from astromer.errors import InputError
from astromer.training.arrays import ArrayBatches
from astromer.training.devices import split_over_replicas, sum_over_replicas
from astromer.training.objectives import Objective, Totals

Batch = Mapping[str, Any]
Batches = Iterable[Batch]
"""A `tf.data.Dataset`, `ArrayBatches`, or any other iterable of dicts that can be iterated several times."""


@dataclass(frozen=True)
class Step:
    """A compiled step of training or evaluation.

    Attributes:
        on_batch: function from a batch to `(1, columns)`: the totals in the objective's order; in training, the
            learning rate; and the number of NaN or infinite values in the batch.
        on_stack: function from a stack of batches `(steps, rows, ...)`, on one replica, to `(steps, columns)`. All its
            steps are one call: a step of a small head takes less time than a call from Python.
    """

    on_batch: Callable[[Batch], Any]
    on_stack: Callable[[Batch], Any]

    def run(self, model: keras.Model, batches: Batches, done: int = 0) -> Iterator[Any]:
        """Take a step for each of the batches after the first `done`, and yield the results `(steps, columns)`."""
        if isinstance(batches, ArrayBatches) and model.distribute_strategy.num_replicas_in_sync == 1:
            yield from map(self.on_stack, batches.stacks(done))
            return
        if done:
            skips = isinstance(batches, tf.data.Dataset)
            batches = batches.skip(done) if skips else itertools.islice(batches, done, None)
        yield from map(self.on_batch, split_over_replicas(batches, model.distribute_strategy))


def evaluate(model: keras.Model, objective: Objective, batches: Batches) -> dict[str, float]:
    """Score `model` on all of `batches` as one set, independently of the batch size; `windows` is its size.

    Raises:
        InputError: there are no batches, or their values are not finite.
    """
    totals = sum_batches(compile_step(model, objective, None, jit=False), model, objective, batches)
    return {"windows": int(totals["windows"])} | scores(objective, totals)


def input_specs(model: keras.Model) -> dict[str, tf.TensorSpec]:
    """Return the shapes and dtypes of a model's inputs by name."""
    return {tensor.name: tf.TensorSpec(tensor.shape, tensor.dtype) for tensor in model.inputs}


def scores(objective: Objective, totals: Mapping[str, Any]) -> dict[str, float]:
    """Compute the loss and metrics from sums over a whole set, in float64."""
    exact = {name: ops.convert_to_tensor(value, "float64") for name, value in totals.items()}
    return {name: float(value) for name, value in objective.results(exact).items()}


def compile_step(
    model: keras.Model,
    objective: Objective,
    optimizer: keras.optimizers.Optimizer | None,
    *,
    jit: bool,
    clip_norm: float | None = None,
    windows_at_once: int | None = None,
) -> Step:
    """Compile a training step or, if `optimizer` is None, an evaluation step.

    A training step computes the gradient of the loss of the whole batch, of all pieces and replicas; clips it; and
    passes it to the optimizer, whose own clipping would see the gradient of one replica only.

    Args:
        model, objective, optimizer: as for `astromer.training.loop.train`.
        jit: compile with XLA.
        clip_norm: largest norm of the gradient of all weights together; None does not clip.
        windows_at_once: windows of the batch that each replica computes at once; None computes all.

    Raises:
        InputError: XLA (`jit`) is requested with several replicas or with `windows_at_once`.
    """
    strategy = model.distribute_strategy
    if jit and strategy.num_replicas_in_sync > 1:
        raise InputError("jit: XLA compiles the steps of one replica only")
    if jit and windows_at_once:
        raise InputError("jit: XLA compiles steps of whole batches only; expected windows_at_once to be null")
    inputs = input_specs(model)
    specs = inputs | {name: tf.TensorSpec(*spec) for name, spec in objective.fields.items()}
    # One graph for all shapes. Without a signature, the compiled graph, and with it rounding, would depend on the shape
    # of the first batch, which differs in a resumed run. Values of several replicas cannot have such a signature.
    signature = [specs] if strategy.num_replicas_in_sync == 1 else None
    stacked = {name: tf.TensorSpec([None, *spec.shape], spec.dtype) for name, spec in specs.items()}

    def forward(batch: Batch) -> Totals:
        return objective.totals(model({name: batch[name] for name in inputs}, training=optimizer is not None), batch)

    def on_replica(batch: Batch) -> Any:
        extra = []
        if optimizer is None:
            totals = sum_over_replicas(forward(batch))
        else:
            extra.append(ops.cast(optimizer.learning_rate, "float32"))
            variables = model.trainable_variables
            if windows_at_once is None:
                totals, gradients = _gradients(forward, objective, variables, batch)
            else:
                totals, gradients = _gradients_of_pieces(forward, objective, variables, batch, windows_at_once)
            optimizer.apply(_clipped(gradients, clip_norm), variables)
        floats = [values for name, values in batch.items() if specs[name].dtype.is_floating]
        bad = sum(ops.sum(ops.cast(ops.logical_not(ops.isfinite(values)), "float32")) for values in floats)
        extra.append(sum_over_replicas({"bad": bad})["bad"])
        return ops.stack([totals[name] for name in objective.names] + extra)

    @tf.function(jit_compile=jit, input_signature=signature, reduce_retracing=True, autograph=False)
    def on_all_replicas(batch: Batch) -> Any:
        return strategy.run(lambda batch: on_replica(batch)[None], args=(batch,))

    @tf.function(jit_compile=jit, input_signature=[stacked], autograph=False)
    def on_all_batches(stack: Batch) -> Any:
        return _take_steps(on_replica, stack)

    def on_batch(batch: Batch) -> Any:
        return strategy.experimental_local_results(on_all_replicas({name: batch[name] for name in specs}))[0]

    def on_stack(stack: Batch) -> Any:
        return on_all_batches({name: stack[name] for name in specs})

    return Step(on_batch, on_stack)


def _take_steps(step: Callable[[Batch], Any], stack: Batch) -> Any:
    """Call a step for each batch of a stack, one after the other, inside a graph; return the stacked results."""
    num_steps = tf.shape(next(iter(stack.values())))[0]

    def add_step(index: Any, results: tf.TensorArray) -> tuple[Any, tf.TensorArray]:
        return index + 1, results.write(index, step({name: rows[index] for name, rows in stack.items()}))

    start = (tf.constant(0), tf.TensorArray("float32", num_steps))
    return tf.while_loop(lambda index, _: index < num_steps, add_step, start, parallel_iterations=1)[1].stack()


def _gradients(
    forward: Callable[[Batch], Totals], objective: Objective, variables: Sequence[Any], batch: Batch
) -> tuple[Totals, list[Any]]:
    """Return the totals of a batch, and this replica's share of the gradient of its loss."""
    with tf.GradientTape() as tape:
        totals = sum_over_replicas(forward(batch))
        loss = objective.results(totals)["loss"]
    return totals, tape.gradient(loss, variables)


def _gradients_of_pieces(
    forward: Callable[[Batch], Totals], objective: Objective, variables: Sequence[Any], batch: Batch, size: int
) -> tuple[Totals, list[Any]]:
    """Return what `_gradients` returns, holding the activations of `size` windows at a time.

    The loss is a function of sums over windows. Its gradient is that of the sums, which the pieces add up, times the
    derivative of the loss with respect to the sums, which is known at the end.
    """
    num_windows, variables = tf.shape(next(iter(batch.values())))[0], [variable.value for variable in variables]

    def add_piece(start: Any, sums: Totals, of_sums: dict[str, list[Any]]) -> tuple[Any, Totals, dict[str, list[Any]]]:
        with tf.GradientTape(persistent=True) as tape:
            totals = forward({name: values[start : start + size] for name, values in batch.items()})
        for name in objective.learned:
            found = tape.gradient(totals[name], variables, unconnected_gradients=tf.UnconnectedGradients.ZERO)
            of_sums = of_sums | {name: [one + other for one, other in zip(of_sums[name], found, strict=True)]}
        return start + size, {name: sums[name] + totals[name] for name in objective.names}, of_sums

    nothing = {name: [tf.zeros(variable.shape, variable.dtype) for variable in variables] for name in objective.learned}
    start = (tf.constant(0), {name: tf.zeros(()) for name in objective.names}, nothing)
    _, sums, of_sums = tf.while_loop(lambda start, *_: start < num_windows, add_piece, start, parallel_iterations=1)
    with tf.GradientTape() as tape:
        totals = sum_over_replicas(sums)
        learned = {name: tf.identity(totals[name]) for name in objective.learned}
        tape.watch(learned)
        loss = objective.results(totals | learned)["loss"]
    slopes = tape.gradient(loss, learned, unconnected_gradients=tf.UnconnectedGradients.ZERO)
    gradients = [
        sum(slopes[name] * of_sums[name][index] for name in objective.learned) for index in range(len(variables))
    ]
    return totals, gradients


def _clipped(gradients: Sequence[Any], norm: float | None) -> Sequence[Any]:
    """Scale the gradients so that the norm of their sum over the replicas is at most `norm`; None stays None."""
    if norm is None:
        return gradients
    own = {str(index): gradient for index, gradient in enumerate(gradients) if gradient is not None}
    everywhere = sum_over_replicas(own).values()
    found = ops.sqrt(ops.sum(ops.stack([ops.sum(ops.square(gradient)) for gradient in everywhere])))
    scale = norm * ops.minimum(1.0 / found, 1.0 / norm)
    return [None if gradient is None else gradient * scale for gradient in gradients]


def sum_batches(
    step: Step,
    model: keras.Model,
    objective: Objective,
    batches: Batches,
    between: Callable[[], None] = lambda: None,
) -> dict[str, float]:
    """Return the totals of a whole set, summed in float64; `between` is called after each batch or stack."""
    sums = np.zeros(len(objective.names) + 1)
    for totals in step.run(model, batches):
        sums += np.asarray(totals).sum(axis=0, dtype=np.float64)
        between()
    if sums[-1]:
        raise InputError(f"the set to evaluate has {sums[-1]:.0f} NaN or infinite values")
    totals = dict(zip(objective.names, sums[:-1].tolist(), strict=True))
    if not totals["windows"]:
        raise InputError("the set to evaluate has no batches")
    return totals
