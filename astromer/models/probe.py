"""A logistic regression on pooled representations as a Keras model, so that it is saved and exported like a head."""

import keras
import numpy as np

from astromer.models.heads import input_shapes
from astromer.models.heads.msx import INPUTS, features
from astromer.models.standardise import Standardise


def logistic_model(
    *, num_levels: int, dim: int, mean: np.ndarray, scale: np.ndarray, coefficients: np.ndarray, intercepts: np.ndarray
) -> keras.Model:
    """Build the model of a fitted logistic regression on mean, standard deviation, maximum and logarithm of the scale.

    Args:
        num_levels: levels of the encoder, `num_blocks + 1`.
        dim: D, the width of the encoder.
        mean, scale: of the training vectors, `(3 D + 1,)`.
        coefficients: of the standardised vectors, `(classes, 3 D + 1)`.
        intercepts: `(classes,)`.

    Returns:
        Model `head_logistic`: from the arrays of `astromer.models.pooling.pool` that the head `msx` reads to logits
        `(batch, classes)`.
    """
    shapes = input_shapes(num_levels, dim)
    pooled = {name: keras.Input(shapes[name], name=name) for name in INPUTS}
    standardise = Standardise(name="standardise")
    dense = keras.layers.Dense(len(intercepts), dtype="float32", name="logits")
    model = keras.Model(pooled, dense(standardise(features(pooled, "paper"))), name="head_logistic")
    standardise.mean.assign(mean)
    standardise.scale.assign(scale)
    dense.set_weights([coefficients.T, intercepts])
    return model
