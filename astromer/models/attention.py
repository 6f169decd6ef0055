"""Multi-head self-attention, its mask, and the blocks of encoders.

Shapes: `batch` windows of `window` points; `valid` is 1 on real, visible points and 0 on hidden points and padding.
"""

import keras
from keras import ops

from astromer.models.layers import Dense, Dropout, LayerNormalization, register

EXCLUDED = -1e9  # added to a score, it leaves a softmax weight of exactly 0 in float32
ATTENTION_MASKS = ("keys", "released_v1")


@register
class AttentionBias(keras.layers.Layer):
    """Bias that is added to the attention scores to exclude invalid points.

    Args:
        mask: `keys` excludes invalid keys (-1e9). `released_v1` reproduces the published Astromer 1 (format QK,
            alpha +1): for a valid query, invalid keys weigh more by a factor e; for an invalid query, all keys are
            treated alike.
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
    """Return the softmax over the keys of the scores plus `bias`, float32 `(batch, heads, queries, keys)`.

    The arguments are those of `attend`.
    """
    scores = ops.matmul(queries, _transposed(keys))
    return ops.softmax(ops.cast(scores, "float32") + ops.cast(bias, "float32"))


@ops.custom_gradient
def attend(queries, keys, values, bias):
    """Sum the values with the weights of `softmax_weights`; `bias` gets a gradient of zero.

    The gradient of the softmax needs, for each query, the sum over keys of weight times gradient of the weight. It
    equals the sum over the head's width of output times gradient of the output (Dao et al. 2022, FlashAttention, App.
    B.2), which has head_dim terms instead of one per key.

    Args:
        queries, keys, values: `(batch, heads, window, head_dim)`; the queries are already scaled.
        bias: broadcasts to `(batch, heads, window, window)`.

    Returns:
        `(batch, heads, window, head_dim)`.
    """
    weights = ops.cast(softmax_weights(queries, keys, bias), values.dtype)
    attended = ops.matmul(weights, values)

    def gradient(*args, upstream=None):
        upstream = args[0] if upstream is None else upstream
        # The sums are in float32 whatever the precision, and so are the products and the difference inside them.
        of_rows = ops.sum(ops.cast(upstream, "float32") * ops.cast(attended, "float32"), axis=-1, keepdims=True)
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
    """Multi-head self-attention with biases; one dense layer computes queries, keys and values together.

    If every key is excluded, the -1e9 absorb the scores in float32, and attention is uniform over all points.

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
        # The same range as in three separate layers with Glorot-uniform initialisation.
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
        """Return attention weights `(batch, num_heads, window, window)`; the last two axes are queries and keys."""
        queries, keys, _ = self._project(inputs)
        return softmax_weights(queries, keys, bias)

    def _project(self, inputs):
        """Return scaled queries, keys and values, each `(batch, num_heads, window, head_dim)`."""
        shape = (-1, ops.shape(inputs)[1], 3, self.num_heads, self.head_dim)
        queries, keys, values = ops.unstack(ops.transpose(ops.reshape(self.qkv(inputs), shape), (2, 0, 3, 1, 4)), 3)
        return queries * self.head_dim**-0.5, keys, values

    def compute_output_shape(self, inputs_shape, bias_shape):
        return (*inputs_shape[:-1], self.num_heads * self.head_dim)

    def get_config(self):
        return {**super().get_config(), "num_heads": self.num_heads, "head_dim": self.head_dim}


@register
class AttentionBlock(keras.layers.Layer):
    """Self-attention and a tanh feed-forward part, each followed by layer normalisation (post-norm).

    With `residual`, the input of each part is added to its output through a trained dense layer; without, there is no
    residual connection. The identity connection of the usual transformer exists in neither version of Astromer.

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
        self.attention_dropout = Dropout(self.dropout, name="attention_dropout", dtype=self.dtype_policy)
        self.feedforward_dropout = Dropout(self.dropout, name="feedforward_dropout", dtype=self.dtype_policy)
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
