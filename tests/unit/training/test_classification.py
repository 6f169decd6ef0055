"""Training of heads on arrays, and their predictions."""

import os
import signal

import keras
import numpy as np
import polars as pl
import pytest
import tensorflow as tf

from astromer.config.training import Training
from astromer.errors import InputError
from astromer.models.heads import build_head
from astromer.training.arrays import STACKED_BATCHES, ArrayBatches, array_batches
from astromer.training.classification import predictor, train_classifier, weigh_objects
from astromer.training.objectives import ClassificationObjective
from astromer.training.signals import InterruptedTraining
from astromer.training.state import StateFile
from astromer.training.steps import evaluate

OPTIONS = Training(learning_rate=1e-2, epochs=30, patience=5)


def embeddings(seed: int, rows: int) -> dict[str, np.ndarray]:
    """Three classes, each around its own direction."""
    rng = np.random.default_rng(seed)
    label = np.arange(rows) % 3
    mean = rng.normal(0, 0.1, (rows, 2, 4)) + np.eye(4)[label][:, None]
    return {
        "mean": mean.astype("float32"),
        "max": mean[:, -1].astype("float32"),
        "label": label.astype("int32"),
        "weight": np.ones(rows, "float32"),
    }


def small_head() -> keras.Model:
    keras.utils.set_random_seed(1)
    return build_head("skip", num_levels=2, dim=4, num_classes=3, hidden=(8,))


def fitted(seed: int = 0, **changes) -> tuple[keras.Model, list[dict[str, float]]]:
    model = small_head()
    validation = array_batches(embeddings(1, 12), 5)(0)
    training = array_batches({**embeddings(0, 30), **changes}, 8, seed=seed)
    return model, train_classifier(model, training, validation, OPTIONS).epochs


def test_head_learns_separable_classes_and_is_reproducible():
    model, curve = fitted()
    test = embeddings(2, 9)
    probabilities = predictor(model)(array_batches(test, 4)(0))
    assert probabilities.shape == (9, 3)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-6)
    np.testing.assert_array_equal(probabilities.argmax(axis=1), test["label"])
    assert curve[-1]["accuracy"] == 1
    assert fitted()[1] == curve
    assert fitted(seed=1)[1] != curve


def test_order_depends_on_seed_and_epoch_only():
    batches = array_batches({"row": np.arange(10)}, 4, seed=3)
    orders = [np.concatenate([batch["row"] for batch in batches(epoch)]) for epoch in (0, 1, 0)]
    np.testing.assert_array_equal(orders[0], orders[2])
    assert not np.array_equal(orders[0], orders[1])
    assert [len(batch["row"]) for batch in batches(0)] == [4, 4, 2]
    for order in orders:
        np.testing.assert_array_equal(np.sort(order), np.arange(10))


@pytest.mark.parametrize("rows", [0, 3, 4, 4 * STACKED_BATCHES, 4 * STACKED_BATCHES + 9, 8 * STACKED_BATCHES])
@pytest.mark.parametrize("done", [0, 1, STACKED_BATCHES, STACKED_BATCHES + 1])
def test_stacks_are_the_batches_that_are_left(rows, done):
    batches = array_batches({"row": np.arange(rows)}, 4, seed=3)(0)
    left = [batch["row"].tolist() for batch in batches][done:]
    assert [batch.tolist() for stack in batches.stacks(done) for batch in stack["row"]] == left


def test_batches_can_be_gone_through_again_and_are_single_precision():
    batches = array_batches({"half": np.arange(6, dtype=np.float16), "label": np.arange(6)}, 4)(0)
    for _ in range(2):
        first, second = batches
        assert first["half"].dtype == np.float32
        np.testing.assert_array_equal(second["label"], [4, 5])


def test_arrays_of_different_lengths_are_an_error():
    with pytest.raises(InputError, match=r"'label': 2"):
        array_batches({"mean": np.zeros((3, 1)), "label": np.zeros(2)}, 4)


def test_an_object_of_many_windows_counts_as_one():
    """The same window three times over, with a third of the weight each, changes neither loss nor accuracy."""
    once, model = embeddings(0, 12), small_head()
    copies = np.repeat(np.arange(12), [3, *[1] * 11])
    repeated = {name: array[copies] for name, array in once.items()}
    repeated["weight"] = np.where(copies == 0, np.float32(1 / 3), np.float32(1))
    by_object, by_window = (ClassificationObjective(weighted=weighted) for weighted in (True, False))
    expected = evaluate(model, by_object, array_batches(once, 5)(0))
    found = evaluate(model, by_object, array_batches(repeated, 5)(0))
    assert {**found, "windows": 12} == pytest.approx(expected, rel=1e-5)
    assert evaluate(model, by_window, array_batches(repeated, 5)(0))["loss"] != pytest.approx(expected["loss"])


class InterruptedBatches(ArrayBatches):
    """Batches whose every stack comes with SIGTERM."""

    def stacks(self, done):
        for stack in super().stacks(done):
            os.kill(os.getpid(), signal.SIGTERM)
            yield stack


def test_a_training_in_stacks_is_that_of_single_batches_wherever_it_was_interrupted(tmp_path):
    """An epoch is two full stacks, a third of one batch, and a smaller batch."""
    arrays, validation = embeddings(0, 2 * (2 * STACKED_BATCHES + 1) + 1), array_batches(embeddings(1, 12), 5)(0)
    batches, options = array_batches(arrays, 2, seed=0), OPTIONS.model_copy(update={"epochs": 2})
    single, stacked, resumed = small_head(), small_head(), small_head()
    expected = train_classifier(single, lambda epoch: list(batches(epoch)), list(validation), options)
    assert train_classifier(stacked, batches, validation, options).epochs == expected.epochs

    def interrupted_batches(epoch):
        """Batches one by one, each with SIGTERM."""
        for batch in batches(epoch):
            os.kill(os.getpid(), signal.SIGTERM)
            yield batch

    def interrupted_stacks(epoch):
        return InterruptedBatches(arrays, batches(epoch).order, 2)

    state = StateFile(tmp_path, "test", every_seconds=1000)
    with pytest.raises(InterruptedTraining, match="epoch 1, after 1 steps"):
        train_classifier(small_head(), interrupted_batches, validation, options, state=state)
    with pytest.raises(InterruptedTraining, match=f"epoch 1, after {1 + STACKED_BATCHES} steps"):
        train_classifier(small_head(), interrupted_stacks, validation, options, state=state)
    assert train_classifier(resumed, batches, validation, options, state=state).epochs == expected.epochs
    for expected_weight, *weights in zip(single.weights, stacked.weights, resumed.weights, strict=True):
        np.testing.assert_array_equal(weights, [expected_weight] * 2)


def test_windows_without_weight_teach_nothing():
    ignored = embeddings(0, 30)["label"] == 2
    model, _ = fitted(weight=np.where(ignored, np.float32(0), np.float32(1)))
    training = {**embeddings(0, 30), "label": np.where(ignored, 0, np.arange(30) % 3).astype("int32")}
    other, _ = fitted(weight=np.where(ignored, np.float32(0), np.float32(1)), label=training["label"])
    for one, same in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(one, same)


def test_batches_of_records_get_the_weights_of_their_objects():
    batches = tf.data.Dataset.from_tensor_slices({"id": ["b", "a", "b", "b"]}).batch(3)
    weighed = weigh_objects(batches, pl.DataFrame({"id": ["a", "b", "b", "b"]}))
    np.testing.assert_allclose(np.concatenate([batch["weight"] for batch in weighed]), [1 / 3, 1, 1 / 3, 1 / 3])
