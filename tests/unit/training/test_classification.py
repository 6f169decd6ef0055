"""Training of heads on arrays, and their predictions."""

import keras
import numpy as np
import pytest

from astromer.config.encoders import Training
from astromer.errors import InputError
from astromer.models.heads import build_head
from astromer.training.classification import array_batches, predict, train_classifier

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
    }


def small_head() -> keras.Model:
    keras.utils.set_random_seed(1)
    return build_head("skip", num_levels=2, dim=4, num_classes=3, hidden=(8,))


def fitted(seed: int = 0) -> tuple[keras.Model, list[dict[str, float]]]:
    model = small_head()
    validation = array_batches(embeddings(1, 12), 5)(0)
    return model, train_classifier(model, array_batches(embeddings(0, 30), 8, seed=seed), validation, OPTIONS).epochs


def test_head_learns_separable_classes_and_is_reproducible():
    model, curve = fitted()
    test = embeddings(2, 9)
    probabilities = predict(model, array_batches(test, 4)(0))
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


def test_arrays_of_different_lengths_are_an_error():
    with pytest.raises(InputError, match=r"'label': 2"):
        array_batches({"mean": np.zeros((3, 1)), "label": np.zeros(2)}, 4)
