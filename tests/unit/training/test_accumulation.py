"""Large batches in pieces, clipping, other optimizers and callbacks: what a step computes, and in which order."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from tiny_training import OBJECTIVE, OPTIONS, dataset, small_model, windows

from astromer.config.training import EncoderTraining
from astromer.errors import InputError
from astromer.training.loop import train
from astromer.training.objectives import ClassificationObjective, ReconstructionObjective
from astromer.training.pretraining import pretrain
from astromer.training.steps import compile_step
from astromer.training.summary import SummaryObjective


class Recorder(keras.optimizers.SGD):
    """Note the gradients that it is given, and change nothing."""

    def __init__(self):
        super().__init__(learning_rate=0.0)
        self.seen = []

    def apply(self, grads, trainable_variables=None):
        tf.py_function(lambda *found: self.seen.append([g.numpy() for g in found]), grads, [])
        super().apply(grads, trainable_variables)


def gradient(model, objective, batch, **stepping):
    """The gradient and totals of one step."""
    optimizer = Recorder()
    optimizer.build(model.trainable_variables)
    totals = compile_step(model, objective, optimizer, jit=False, **stepping).on_batch(batch)[0]
    return optimizer.seen[0], np.asarray(totals)


def summary_model():
    """A model with the outputs of a summary objective."""
    model = small_model(dropout=0.0)
    mean = keras.layers.GlobalAveragePooling1D()(model.output)
    statistics, period = (keras.layers.Dense(width)(mean) for width in (30, 48))
    outputs = {"magnitudes": model.output, "statistics": statistics, "period_class": period}
    return keras.Model(model.inputs, outputs)


def classifier():
    """A model with three logits."""
    model = small_model(dropout=0.0)
    return keras.Model(model.inputs, keras.layers.Dense(3)(keras.layers.GlobalMaxPooling1D()(model.output)))


def targets(count):
    """Everything that any objective reads, with classes and periods that are unevenly spread over the pieces."""
    rng = np.random.default_rng(0)
    return {
        "statistics": rng.normal(size=(count, 30)).astype("float32"),
        "period_class": np.where(np.arange(count) < count // 2, -1, np.arange(count) % 48).astype("int32"),
        "label": (np.arange(count) % 3).astype("int32"),
        "weight_of_window": rng.random(count).astype("float32"),
    }


CASES = {
    "reconstruction": (lambda: small_model(dropout=0.0), OBJECTIVE),
    "released": (lambda: small_model(dropout=0.0), ReconstructionObjective(weighted=False)),
    "summary": (summary_model, SummaryObjective(OBJECTIVE, 0.5)),
    "classification": (classifier, ClassificationObjective(weighted=True)),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("size", [7, 1000])
def test_pieces_give_the_gradient_of_the_whole_batch(name, size):
    """The loss is the root of a mean over all windows, which no mean over pieces is."""
    build, objective = CASES[name]
    model, batch = build(), windows(0) | targets(20)
    if name == "classification":
        batch["weight"] = batch["weight_of_window"]
    whole, totals = gradient(model, objective, batch)
    pieces, totals_of_pieces = gradient(model, objective, batch, windows_at_once=size)
    np.testing.assert_allclose(totals_of_pieces, totals, rtol=1e-5, atol=1e-5)
    assert max(np.abs(part).max() for part in whole) > 1e-3
    for one, other in zip(pieces, whole, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)


def test_mean_of_the_gradients_of_pieces_would_be_another():
    model, batch = small_model(dropout=0.0), windows(0)
    whole, _ = gradient(model, OBJECTIVE, batch)
    halves = [
        gradient(model, OBJECTIVE, {k: v[part] for k, v in batch.items()})[0] for part in (slice(10), slice(10, 20))
    ]
    means = [(one + other) / 2 for one, other in zip(*halves, strict=True)]
    assert any(not np.allclose(one, other, rtol=1e-3, atol=1e-6) for one, other in zip(means, whole, strict=True))


def test_a_training_in_pieces_is_that_of_the_configured_batch():
    """By the configuration, dropout off: the curves are those of whole batches."""
    changed = OPTIONS.model_copy(update={"windows_at_once": 4})
    whole, pieces = (
        pretrain(small_model(dropout=0.0), lambda epoch: [windows(epoch)], [windows(100)], options, OBJECTIVE)
        for options in (OPTIONS, changed)
    )
    for name, values in whole.steps.items():
        np.testing.assert_allclose(pieces.steps[name], values, rtol=1e-3, atol=1e-5, err_msg=name)


def test_dropout_draws_anew_for_each_piece():
    model, batch = small_model(dropout=0.5), windows(0)
    twice = {name: np.concatenate([values, values]) for name, values in batch.items()}
    tf.random.set_seed(0)
    once, _ = gradient(model, OBJECTIVE, batch, windows_at_once=20)
    both, _ = gradient(small_model(dropout=0.5), OBJECTIVE, twice, windows_at_once=20)
    assert any(not np.allclose(one, other, rtol=1e-3) for one, other in zip(once, both, strict=True))


def test_xla_and_pieces_exclude_each_other():
    with pytest.raises(InputError, match="windows_at_once to be null"):
        compile_step(small_model(), OBJECTIVE, Recorder(), jit=True, windows_at_once=4)


@pytest.mark.parametrize("windows_at_once", [None, 6])
def test_the_gradient_is_clipped_after_the_pieces_are_added_and_before_the_optimizer(windows_at_once):
    model, batch = small_model(dropout=0.0), windows(0)
    plain, _ = gradient(model, OBJECTIVE, batch)
    clipped, _ = gradient(model, OBJECTIVE, batch, clip_norm=0.01, windows_at_once=windows_at_once)
    norm = np.sqrt(sum(np.square(part).sum() for part in plain))
    assert norm > 0.02
    for one, other in zip(clipped, plain, strict=True):
        np.testing.assert_allclose(one, other * (0.01 / norm), rtol=1e-4, atol=1e-8)
    unclipped, _ = gradient(model, OBJECTIVE, batch, clip_norm=1e6)
    for one, other in zip(unclipped, plain, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6)


def test_clipping_is_that_of_keras():
    options = EncoderTraining(learning_rate=1e-2, epochs=3, patience=3, clip_norm=0.05)
    ours = pretrain(small_model(dropout=0.0), dataset, dataset(100), options, OBJECTIVE)
    adam = keras.optimizers.Adam(1e-2, beta_1=0.9, beta_2=0.98, epsilon=1e-9, global_clipnorm=0.05)
    model = small_model(dropout=0.0)
    theirs = train(model, adam, OBJECTIVE, dataset, dataset(100), epochs=3, patience=3, keep_better_start=True)
    np.testing.assert_allclose(ours.steps["loss"], theirs.steps["loss"], rtol=1e-6)


def test_optimizer_and_callback_can_be_given():
    """The callback comes after the validation of its epoch, once for each, with its row."""
    events, model = [], small_model(dropout=0.0)
    optimizer = keras.optimizers.SGD(0.25)

    def training(epoch):
        events.append(f"training {epoch + 1}")
        return dataset(epoch)

    def on_epoch(row):
        events.append(f"end {row['epoch']}, steps {int(optimizer.iterations)}, {'val_loss' in row}")

    history = pretrain(model, training, dataset(100), OPTIONS, OBJECTIVE, optimizer=optimizer, on_epoch=on_epoch)
    assert events[:4] == ["training 1", "end 1, steps 4, True", "training 2", "end 2, steps 8, True"]
    np.testing.assert_allclose(history.steps["learning_rate"], 0.25)


def test_a_callback_may_end_the_training():
    class EnoughError(Exception):
        pass

    def on_epoch(row):
        if row["epoch"] == 2:
            raise EnoughError

    with pytest.raises(EnoughError):
        pretrain(small_model(), dataset, dataset(100), OPTIONS, OBJECTIVE, on_epoch=on_epoch)
