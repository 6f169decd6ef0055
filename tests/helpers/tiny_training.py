"""Small masked windows and a small reconstruction model; also the job that the resume test kills."""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from astromer.config.training import EncoderTraining
from astromer.training.objectives import ReconstructionObjective
from astromer.training.pretraining import pretrain
from astromer.training.state import StateFile

FIELDS = ("magnitudes", "times", "valid", "target", "probed", "hidden", "weight")
OBJECTIVE = ReconstructionObjective(weighted=True)
OPTIONS = EncoderTraining(learning_rate=1e-2, epochs=4, patience=4)


def windows(seed: int, count: int = 20, length: int = 12) -> dict[str, np.ndarray]:
    """Sinusoids with irregular times, the last points padding, about half of the others probed."""
    rng = np.random.default_rng(seed)
    shape = (count, length, 1)
    times = np.sort(rng.uniform(-10, 10, shape), axis=1)
    real = np.broadcast_to(np.arange(length)[:, None] < length - 2, shape)
    probed = real & (rng.random(shape) < 0.5)
    hidden = probed & (rng.random(shape) < 0.7)
    target = np.sin(times + rng.uniform(0, 6, (count, 1, 1))) * real
    arrays = (target * ~hidden, times * real, real & ~hidden, target, probed, hidden, rng.random(shape))
    return {name: array.astype("float32") for name, array in zip(FIELDS, arrays, strict=True)}


def dataset(seed: int, batch_size: int = 6) -> tf.data.Dataset:
    """`windows` in batches, the last one smaller."""
    return tf.data.Dataset.from_tensor_slices(windows(seed)).batch(batch_size)


def small_model(dropout: float = 0.3) -> keras.Model:
    """A new reconstruction model, the same at each call."""
    keras.utils.set_random_seed(3)
    inputs = {name: keras.Input((None, 1), name=name) for name in ("magnitudes", "times", "valid")}
    features = keras.layers.Dense(8, "tanh")(keras.layers.Concatenate()(list(inputs.values())))
    return keras.Model(inputs, keras.layers.Dense(1)(keras.layers.Dropout(dropout)(features)))


def signalled_at(step: int, number: int) -> Callable[[int], Iterator[dict[str, tf.Tensor]]]:
    """Each epoch's batches from a source that sends this process a signal before the given step of epoch 1."""

    def epoch_batches(epoch: int) -> Iterator[dict[str, tf.Tensor]]:
        for index, batch in enumerate(dataset(epoch)):
            if (epoch, index) == (1, step):
                os.kill(os.getpid(), number)
            yield batch

    return epoch_batches


if __name__ == "__main__":
    state = StateFile(Path(sys.argv[1]), "test", every_seconds=0)
    pretrain(small_model(), signalled_at(2, signal.SIGKILL), dataset(100), OPTIONS, OBJECTIVE, state=state)
