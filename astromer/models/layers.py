"""Layers shared by both encoders: input embedding, attention mask, attention block, reconstruction.

Shapes: `batch` windows of `window` points; `valid` is 1 on real, visible points and 0 on hidden points and padding.
"""

import keras
import numpy as np
from keras import ops

LAYER_NORM_EPSILON = 1e-6
EXCLUDED = -1e9
INVALID_MAGNITUDES = ("token", "zero", "keep")
ATTENTION_MASKS = ("keys", "released_v1")

register = keras.saving.register_keras_serializable(package="astromer")


def time_rates(dim: int) -> np.ndarray:
    """Angular rates of the time encoding, `(dim,)` in radians per day: 10000^(-2i/dim).

    The released code counts every component i instead of every pair i // 2; published weights depend on it.
    """
    return (1 / np.power(10000.0, 2 * np.arange(dim) / dim)).astype("float32")


def time_encoding(times, rates):
    """Encode times: sine of the angle in even components, cosine in odd ones.

    Args:
        times: `(batch, window, 1)` days, window mean subtracted, float32.
        rates: `(dim,)` radians per day, `dim` even.

    Returns:
        `(batch, window, dim)` float32.
    """
    angles = times * rates
    # Half of the sines and cosines go unused: interleaving two tensors of half the width takes longer.
    return ops.where(np.arange(len(rates)) % 2 == 0, ops.sin(angles), ops.cos(angles))


@register
class Dense(keras.layers.Dense):
    """Keras' dense layer on the points of all windows as one matrix: only there are product, bias and the rest one.

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


@register
class InputEmbedding(keras.layers.Layer):
    """Dense embedding of the magnitude plus the encoding of the time.

    Args:
        dim: int, even. Width of the embedding.
        dropout: float. Rate of the dropout after the sum.
        invalid_magnitudes: what the encoder sees where `valid` is 0: a trainable scalar (`token`), 0 (`zero`),
            or the magnitude as it is given (`keep`, the released behaviour: hidden magnitudes leak).
        **kwargs: forwarded to `keras.layers.Layer`.

    Call arguments:
        magnitudes, times, valid: `(batch, window, 1)` float32. Inputs are not cast to the compute dtype:
            thousands of days do not fit into the 8 significant bits of bfloat16.

    Returns:
        `(batch, window, dim)` in the compute dtype.
    """

    def __init__(self, dim, dropout=0.0, invalid_magnitudes="token", **kwargs):
        super().__init__(autocast=False, **kwargs)
        if invalid_magnitudes not in INVALID_MAGNITUDES:
            raise ValueError(f"invalid_magnitudes is {invalid_magnitudes!r}; expected one of {INVALID_MAGNITUDES}")
        self.dim = dim
        self.dropout = dropout
        self.invalid_magnitudes = invalid_magnitudes

    def build(self, magnitudes_shape, times_shape, valid_shape):
        self.projection = Dense(self.dim, name="projection", dtype=self.dtype_policy)
        self.projection.build(magnitudes_shape)
        self.dropping = keras.layers.Dropout(self.dropout, dtype=self.dtype_policy)
        if self.invalid_magnitudes == "token":
            self.mask_token = self.add_weight(shape=(), initializer="zeros", name="mask_token")

    def call(self, magnitudes, times, valid, training=None):
        if self.invalid_magnitudes == "token":
            magnitudes = ops.where(valid > 0, magnitudes, ops.cast(self.mask_token, magnitudes.dtype))
        elif self.invalid_magnitudes == "zero":
            magnitudes = ops.where(valid > 0, magnitudes, 0.0)
        encoded = time_encoding(ops.cast(times, "float32"), time_rates(self.dim))
        embedded = self.projection(magnitudes) + ops.cast(encoded, self.compute_dtype)
        return self.dropping(embedded, training=training)

    def compute_output_shape(self, magnitudes_shape, times_shape, valid_shape):
        return (*magnitudes_shape[:-1], self.dim)

    def get_config(self):
        config = {"dim": self.dim, "dropout": self.dropout, "invalid_magnitudes": self.invalid_magnitudes}
        return {**super().get_config(), **config}


@register
class AttentionBias(keras.layers.Layer):
    """What is added to the attention scores so that invalid points are not attended to.

    Args:
        mask: `keys` excludes invalid keys (-1e9). `released_v1` reproduces the published Astromer 1 (format QK,
            alpha +1): a valid query prefers invalid keys by a factor e, and an invalid query sees no difference.
        **kwargs: forwarded to `keras.layers.Layer`.

    Call arguments:
        valid: `(batch, window, 1)`.

    Returns:
        float32, `(batch, 1, 1, window)` for `keys`, `(batch, 1, window, window)` for `released_v1`; the axes are
        windows, heads, queries, keys.
    """

    def __init__(self, mask="keys", **kwargs):
        super().__init__(**{"dtype": "float32", **kwargs})
        if mask not in ATTENTION_MASKS:
            raise ValueError(f"mask is {mask!r}; expected one of {ATTENTION_MASKS}")
        self.mask = mask

    def call(self, valid):
        invalid_keys = ops.expand_dims(ops.transpose(1.0 - valid, (0, 2, 1)), 1)
        if self.mask == "keys":
            return EXCLUDED * invalid_keys
        return ops.expand_dims(valid, 1) * invalid_keys

    def compute_output_shape(self, valid_shape):
        batch, window = valid_shape[:2]
        return (batch, 1, 1 if self.mask == "keys" else window, window)

    def get_config(self):
        return {**super().get_config(), "mask": self.mask}


def softmax_weights(queries, keys, bias):
    """Softmax over the keys of products plus `bias`, float32 `(batch, heads, queries, keys)`; the rest as `attend`."""
    scores = ops.matmul(queries, _transposed(keys))
    return ops.softmax(ops.cast(scores, "float32") + ops.cast(bias, "float32"))


@ops.custom_gradient
def attend(queries, keys, values, bias):
    """Sum the values with the weights of `softmax_weights`; nothing is learned through `bias`.

    A softmax's gradient needs each row's sum of weights times their gradients. That is the sum of outputs times theirs
    (Dao et al. 2022, FlashAttention, App. B.2): fewer numbers by as much as a window is longer than a head is wide.

    Args:
        queries, keys, values: `(batch, heads, window, head_dim)`; the queries are scaled.
        bias: broadcasts to `(batch, heads, window, window)`.

    Returns:
        `(batch, heads, window, head_dim)`.
    """
    weights = ops.cast(softmax_weights(queries, keys, bias), values.dtype)
    attended = ops.matmul(weights, values)

    def gradient(*args, upstream=None):
        upstream = args[0] if upstream is None else upstream
        of_rows = ops.sum(ops.cast(upstream * attended, "float32"), axis=-1, keepdims=True)
        of_weights = ops.cast(ops.matmul(upstream, _transposed(values)), "float32")
        of_scores = ops.cast(ops.cast(weights, "float32") * (of_weights - of_rows), values.dtype)
        return (
            ops.matmul(of_scores, keys),
            ops.matmul(_transposed(of_scores), queries),
            ops.matmul(_transposed(weights), upstream),
            ops.zeros_like(bias),
        )

    return attended, gradient


def _transposed(matrices):
    return ops.transpose(matrices, (0, 1, 3, 2))


@register
class SelfAttention(keras.layers.Layer):
    """Multi-head self-attention with biases; one projection yields queries, keys and values together.

    Where every key is excluded the -1e9 swallow the scores in float32 and attention is uniform over all points.

    Args:
        num_heads: int.
        head_dim: int. Width of one head.
        **kwargs: forwarded to `keras.layers.Layer`.

    Call arguments:
        inputs: `(batch, window, input_dim)`.
        bias: float32, broadcasts to `(batch, num_heads, window, window)`; added to the scaled scores.

    Returns:
        `(batch, window, num_heads * head_dim)`.
    """

    def __init__(self, num_heads, head_dim, **kwargs):
        super().__init__(**kwargs)
        self.num_heads = num_heads
        self.head_dim = head_dim

    def build(self, inputs_shape, bias_shape):
        input_dim, dim = inputs_shape[-1], self.num_heads * self.head_dim
        # As wide as three separate Glorot-uniform layers would be.
        scale = (input_dim + 3 * dim) / (input_dim + dim)
        initializer = keras.initializers.VarianceScaling(scale, mode="fan_avg", distribution="uniform")
        self.qkv = Dense(3 * dim, kernel_initializer=initializer, name="qkv", dtype=self.dtype_policy)
        self.qkv.build(inputs_shape)
        self.merge = Dense(dim, name="merge", dtype=self.dtype_policy)
        self.merge.build((*inputs_shape[:-1], dim))

    def call(self, inputs, bias):
        heads = ops.transpose(attend(*self._project(inputs), bias), (0, 2, 1, 3))
        return self.merge(ops.reshape(heads, (-1, ops.shape(inputs)[1], self.num_heads * self.head_dim)))

    def attention_weights(self, inputs, bias):
        """Softmax weights of the queries (third axis) over the keys (fourth): `(batch, num_heads, window, window)`."""
        queries, keys, _ = self._project(inputs)
        return softmax_weights(queries, keys, bias)

    def _project(self, inputs):
        """Queries, scaled, keys and values: `(batch, num_heads, window, head_dim)` each."""
        shape = (-1, ops.shape(inputs)[1], 3, self.num_heads, self.head_dim)
        queries, keys, values = ops.unstack(ops.transpose(ops.reshape(self.qkv(inputs), shape), (2, 0, 3, 1, 4)), 3)
        return queries * self.head_dim**-0.5, keys, values

    def compute_output_shape(self, inputs_shape, bias_shape):
        return (*inputs_shape[:-1], self.num_heads * self.head_dim)

    def get_config(self):
        return {**super().get_config(), "num_heads": self.num_heads, "head_dim": self.head_dim}


@ops.custom_gradient
def standardise(values):
    """Shift and scale the last axis to mean 0 and variance 1; the gradient is that of Ba et al. (2016), in closed form.

    Memory is what bounds a small model, and the gradient that a tape derives goes over it far more often.
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
    """Layer normalisation of the last axis, computed in float32: Keras' own, but for the faster gradient.

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
class AttentionBlock(keras.layers.Layer):
    """Self-attention and a tanh feed-forward part, each followed by layer normalisation (post-norm).

    With `residual`, a learned dense layer carries the input of either part around it; without, nothing does
    (the identity of the usual transformer exists in neither version).

    Args:
        num_heads: int.
        head_dim: int. Width of one head.
        feedforward_dim: int. Hidden width of the feed-forward part.
        residual: bool.
        dropout: float. Rate after attention and after the feed-forward part.
        **kwargs: forwarded to `keras.layers.Layer`.

    Call arguments:
        inputs: `(batch, window, input_dim)`.
        bias: see `SelfAttention`.

    Returns:
        `(batch, window, num_heads * head_dim)`.
    """

    def __init__(self, num_heads, head_dim, feedforward_dim, residual=False, dropout=0.0, **kwargs):
        super().__init__(**kwargs)
        self.num_heads = num_heads
        self.head_dim = head_dim
        self.feedforward_dim = feedforward_dim
        self.residual = residual
        self.dropout = dropout

    def build(self, inputs_shape, bias_shape):
        dim = self.num_heads * self.head_dim
        self.attention = SelfAttention(self.num_heads, self.head_dim, name="attention", dtype=self.dtype_policy)
        self.attention.build(inputs_shape, bias_shape)
        block_shape = (*inputs_shape[:-1], dim)
        self.attention_norm = self._norm("attention_norm", block_shape)
        self.feedforward_in = self._dense("feedforward_in", self.feedforward_dim, block_shape, "tanh")
        self.feedforward_out = self._dense("feedforward_out", dim, (*inputs_shape[:-1], self.feedforward_dim))
        self.feedforward_norm = self._norm("feedforward_norm", block_shape)
        self.attention_dropout = keras.layers.Dropout(self.dropout, dtype=self.dtype_policy)
        self.feedforward_dropout = keras.layers.Dropout(self.dropout, dtype=self.dtype_policy)
        if self.residual:
            self.attention_residual = self._dense("attention_residual", dim, inputs_shape)
            self.feedforward_residual = self._dense("feedforward_residual", dim, block_shape)

    def _dense(self, name, units, input_shape, activation=None):
        layer = Dense(units, activation, name=name, dtype=self.dtype_policy)
        layer.build(input_shape)
        return layer

    def _norm(self, name, input_shape):
        layer = LayerNormalization(name=name, dtype=self.dtype_policy)
        layer.build(input_shape)
        return layer

    def call(self, inputs, bias, training=None):
        attended = self.attention_dropout(self.attention(inputs, bias), training=training)
        if self.residual:
            attended = self.attention_residual(inputs, attended)
        attended = self.attention_norm(attended)
        fed = self.feedforward_out(self.feedforward_in(attended))
        fed = self.feedforward_dropout(fed, training=training)
        if self.residual:
            fed = self.feedforward_residual(attended, fed)
        return self.feedforward_norm(fed)

    def compute_output_shape(self, inputs_shape, bias_shape):
        return (*inputs_shape[:-1], self.num_heads * self.head_dim)

    def get_config(self):
        config = {
            "num_heads": self.num_heads,
            "head_dim": self.head_dim,
            "feedforward_dim": self.feedforward_dim,
            "residual": self.residual,
            "dropout": self.dropout,
        }
        return {**super().get_config(), **config}


@register
class Reconstruction(keras.layers.Layer):
    """Predict each point's magnitude from its representation: layer normalisation and one dense unit.

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
