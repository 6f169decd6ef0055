"""Layers that every model shares: dense, dropout, layer normalisation, reconstruction of magnitudes.

Shapes: `batch` windows of `window` points.
"""

import keras
import tensorflow as tf
from keras import ops

LAYER_NORM_EPSILON = 1e-6  # as in the released encoders; Keras' default, 1e-3, is that of the released classifiers

register = keras.saving.register_keras_serializable(package="astromer")


@register
class Dense(keras.layers.Dense):
    """Dense layer that reshapes `(batch, window, dim)` to one matrix of points.

    TensorFlow fuses the product with bias and activation only for matrices.

    Args:
        *args: forwarded to `keras.layers.Dense`.
        **kwargs: forwarded to `keras.layers.Dense`.

    Call arguments:
        inputs: `(batch, window, input_dim)`.
        addend: `(batch, window, units)`, added to the result, or None.

    Returns:
        `(batch, window, units)`.
    """

    def call(self, inputs, addend=None):
        points = super().call(ops.reshape(inputs, (-1, inputs.shape[-1])))
        if addend is not None:
            points = points + ops.reshape(addend, (-1, self.units))
        return ops.reshape(points, (-1, ops.shape(inputs)[1], self.units))


class ReplicaSeeds(keras.random.SeedGenerator):
    """Seeds that differ between the replicas of a step; on one replica, those of Keras."""

    def next(self, ordered=True):
        """Return the next seed, `(2,)`: the first element tells replicas apart, the second counts."""
        seed = super().next(ordered)
        context = tf.distribute.get_replica_context()
        if context is None or context.num_replicas_in_sync == 1:
            return seed
        return seed + ops.stack([ops.cast(context.replica_id_in_sync_group, seed.dtype), ops.zeros((), seed.dtype)])


@register
class Dropout(keras.layers.Layer):
    """Dropout whose masks differ between replicas, where those of Keras' layer are the same on all of them.

    Args:
        rate: float. Fraction of the inputs that are dropped in training.
        **kwargs: forwarded to `keras.layers.Layer`.

    Call arguments:
        inputs: any shape.

    Returns:
        The shape of the inputs.
    """

    def __init__(self, rate, **kwargs):
        super().__init__(**kwargs)
        self.rate = rate
        if rate > 0:
            self.seeds = ReplicaSeeds()
        self.built = True

    def call(self, inputs, training=False):
        return keras.random.dropout(inputs, self.rate, seed=self.seeds) if training and self.rate > 0 else inputs

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "rate": self.rate}


@ops.custom_gradient
def standardise(values):
    """Shift and scale the last axis to mean 0 and variance 1, with the gradient of Ba et al. (2016) in closed form.

    The speed of a small model is limited by memory access, and the gradient that a tape derives accesses memory far
    more often.
    """
    centred = values - ops.mean(values, axis=-1, keepdims=True)
    scale = ops.rsqrt(ops.mean(ops.square(centred), axis=-1, keepdims=True) + LAYER_NORM_EPSILON)
    standardised = centred * scale

    def gradient(*args, upstream=None):
        upstream = args[0] if upstream is None else upstream
        along = standardised * ops.mean(upstream * standardised, axis=-1, keepdims=True)
        return scale * (upstream - ops.mean(upstream, axis=-1, keepdims=True) - along)

    return standardised, gradient


@register
class LayerNormalization(keras.layers.Layer):
    """Layer normalisation of the last axis, computed in float32, like Keras' layer but with a faster gradient.

    Args:
        **kwargs: forwarded to `keras.layers.Layer`.

    Call arguments:
        inputs: `(..., dim)`.

    Returns:
        `(..., dim)` in the compute dtype.
    """

    def __init__(self, **kwargs):
        super().__init__(autocast=False, **kwargs)

    def build(self, input_shape):
        self.gamma = self.add_weight(shape=input_shape[-1:], initializer="ones", autocast=False, name="gamma")
        self.beta = self.add_weight(shape=input_shape[-1:], initializer="zeros", autocast=False, name="beta")

    def call(self, inputs):
        standardised = standardise(ops.cast(inputs, "float32"))
        return ops.cast(standardised * self.gamma + self.beta, self.compute_dtype)

    def compute_output_shape(self, input_shape):
        return input_shape


@register
class LastLevel(keras.layers.Layer):
    """Last one of several levels.

    Call arguments:
        inputs: `(batch, levels, dim)`.

    Returns:
        `(batch, dim)`.
    """

    def call(self, inputs):
        return inputs[:, -1]

    def compute_output_shape(self, input_shape):
        return (input_shape[0], input_shape[-1])


@register
class Reconstruction(keras.layers.Layer):
    """Prediction of each point's magnitude from its representation: layer normalisation and one dense unit.

    Args:
        **kwargs: forwarded to `keras.layers.Layer`.

    Call arguments:
        inputs: `(batch, window, dim)`.

    Returns:
        `(batch, window, 1)` float32 magnitudes, window mean subtracted.
    """

    def build(self, input_shape):
        self.norm = LayerNormalization(name="norm", dtype=self.dtype_policy)
        self.norm.build(input_shape)
        self.regressor = Dense(1, name="regressor", dtype=self.dtype_policy)
        self.regressor.build(input_shape)

    def call(self, inputs):
        return ops.cast(self.regressor(self.norm(inputs)), "float32")

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], 1)
