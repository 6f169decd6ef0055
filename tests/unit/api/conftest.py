"""Stars and a small encoder that the tests of the Python interface share."""

import keras
import numpy as np
import pytest

import astromer
from astromer.config.encoders import EncoderConfig
from astromer.models.weights import Pretrained

SMALL = {"num_blocks": 1, "num_heads": 2, "head_dim": 8, "feedforward_dim": 12, "window": 50}


@pytest.fixture(scope="session")
def small_v3():
    keras.utils.set_random_seed(3)
    config = EncoderConfig(architecture="v3", **SMALL)
    return Pretrained(astromer.build(config), config)


@pytest.fixture(scope="session")
def stars():
    """24 light curves of 20 to 70 observations: even ones vary within a day, odd ones within two months."""
    rng = np.random.default_rng(0)
    curves = []
    for number in range(24):
        times = np.sort(rng.uniform(5.0e4, 5.04e4, rng.integers(20, 70)))
        signal = 0.4 * np.sin(2 * np.pi * times / (60.0 if number % 2 else 0.6))
        curves.append(np.column_stack([times, 15 + signal + rng.normal(0, 0.02, len(times))]))
    return curves


@pytest.fixture(scope="session")
def kinds():
    """Class of each star by its id."""
    return {f"star {number}": "long" if number % 2 else "short" for number in range(24)}


@pytest.fixture(scope="session")
def columns(stars):
    """The stars as a dict of arrays `id`, `mjd`, `mag`."""
    ids = np.repeat([f"star {number}" for number in range(24)], [len(star) for star in stars])
    points = np.concatenate(stars)
    return {"id": ids, "mjd": points[:, 0], "mag": points[:, 1]}
