"""Seeds that leave the random numbers of the caller alone."""

import random
from collections.abc import Iterator
from contextlib import contextmanager

import keras
import numpy as np


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Seed Python, numpy and Keras; afterwards, Python's and numpy's random numbers go on where they were."""
    of_python, of_numpy = random.getstate(), np.random.get_state()  # noqa: NPY002  # the state that Keras sets
    keras.utils.set_random_seed(seed)
    try:
        yield
    finally:
        random.setstate(of_python)
        np.random.set_state(of_numpy)  # noqa: NPY002
