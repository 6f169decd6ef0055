"""Every layer and model: config round trip, symbolic and eager call, save and load, a training step, bfloat16."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from astromer.models.attention import AttentionBias, AttentionBlock, SelfAttention, attend, softmax_weights
from astromer.models.baselines.raw_gru import TimeSteps
from astromer.models.embedding import InputEmbedding
from astromer.models.heads.skip import LevelMix
from astromer.models.layers import LAYER_NORM_EPSILON, Dense, Dropout, LastLevel, LayerNormalization, Reconstruction
from astromer.models.recurrence import MaskedMean

RANDOM = np.random.default_rng(3)
VALID = (RANDOM.random((2, 11, 1)) > 0.4).astype("float32")
SERIES = RANDOM.normal(size=(2, 11, 1)).astype("float32")
STATES = RANDOM.normal(size=(2, 11, 12)).astype("float32")
BIAS = np.where(RANDOM.random((2, 1, 1, 11)) > 0.3, 0, -1e9).astype("float32")

LAYERS = {
    "embedding with token": (InputEmbedding, {"dim": 12, "dropout": 0.1}, [SERIES, SERIES, VALID]),
    "embedding with zeros": (InputEmbedding, {"dim": 12, "invalid_magnitudes": "zero"}, [SERIES, SERIES, VALID]),
    "bias": (AttentionBias, {}, [VALID]),
    "bias of the released v1": (AttentionBias, {"mask": "released_v1"}, [VALID]),
    "attention": (SelfAttention, {"num_heads": 3, "head_dim": 4}, [STATES, BIAS]),
    "normalisation": (LayerNormalization, {}, [STATES]),
    "block": (AttentionBlock, {"num_heads": 3, "head_dim": 4, "feedforward_dim": 8}, [STATES, BIAS]),
    "block with residual": (
        AttentionBlock,
        {"num_heads": 2, "head_dim": 4, "feedforward_dim": 8, "residual": True, "dropout": 0.1},
        [STATES, BIAS],
    ),
    "reconstruction": (Reconstruction, {}, [STATES]),
    "level mix": (LevelMix, {}, [STATES]),
    "level mix as released": (LevelMix, {"variant": "released"}, [STATES]),
    "time steps": (TimeSteps, {}, [SERIES, SERIES, VALID]),
    "time steps as released": (TimeSteps, {"variant": "released"}, [SERIES, SERIES, VALID]),
    "dropout": (Dropout, {"rate": 0.1}, [STATES]),
    "last level": (LastLevel, {}, [STATES]),
    "masked mean": (MaskedMean, {}, [STATES, VALID]),
}
every_layer = pytest.mark.parametrize(("kind", "arguments", "inputs"), LAYERS.values(), ids=LAYERS.keys())


@every_layer
def test_config_round_trip_keeps_every_argument(kind, arguments, inputs):
    layer = kind.from_config(kind(**arguments).get_config())
    for name, value in arguments.items():
        assert getattr(layer, name) == value


def wrap(layer, inputs):
    """Model of one layer; the window is variable, except for the pooled levels, whose number is fixed."""
    window = 11 if isinstance(layer, LevelMix | LastLevel) else None
    symbols = [
        keras.Input(batch_shape=(None, window, a.shape[2]) if a.ndim == 3 else (None, 1, 1, None)) for a in inputs
    ]
    return keras.Model(symbols, layer(*symbols))


@every_layer
def test_symbolic_eager_and_reloaded_calls_agree(kind, arguments, inputs, tmp_path):
    layer = kind(**arguments)
    model = wrap(layer, inputs)
    eager = layer(*inputs)
    assert tuple(eager.shape) == layer.compute_output_shape(*[a.shape for a in inputs])
    np.testing.assert_allclose(model(inputs), eager, atol=1e-6)
    model.save(tmp_path / "layer.keras")
    np.testing.assert_array_equal(keras.models.load_model(tmp_path / "layer.keras")(inputs), model(inputs))


@pytest.mark.parametrize(
    "name", [name for name in LAYERS if name.split()[0] not in ("bias", "time", "masked", "dropout", "last")]
)
def test_a_training_step_moves_every_weight(name):
    kind, arguments, inputs = LAYERS[name]
    model = wrap(kind(**arguments), inputs)
    before = [weight.numpy() for weight in model.trainable_weights]
    model.compile(keras.optimizers.SGD(1.0), "mse", jit_compile=False)
    model.train_on_batch(inputs, RANDOM.normal(size=model(inputs).shape).astype("float32"))
    assert before
    for weight, old in zip(model.trainable_weights, before, strict=True):
        assert np.isfinite(weight.numpy()).all()
        assert np.abs(weight.numpy() - old).max() > 0, weight.path


@every_layer
def test_bfloat16_agrees_with_float32_to_its_precision(kind, arguments, inputs):
    exact, mixed = kind(**arguments), kind(**arguments, dtype="mixed_bfloat16")
    reference, rounded = exact(*inputs), mixed(*inputs)
    mixed.set_weights(exact.get_weights())
    rounded = ops.cast(mixed(*inputs), "float32")
    np.testing.assert_allclose(rounded, reference, atol=0.05 * float(np.abs(reference).max()))


def test_normalisation_and_its_gradient_are_those_of_keras():
    inputs = tf.constant(STATES)
    upstream = RANDOM.normal(size=inputs.shape).astype("float32")
    weights = [RANDOM.normal(size=12).astype("float32") for _ in ("gamma", "beta")]
    results = []
    for layer in (LayerNormalization(), keras.layers.LayerNormalization(epsilon=LAYER_NORM_EPSILON)):
        layer.build(inputs.shape)
        layer.set_weights(weights)
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            outputs = layer(inputs)
        results.append([outputs, *tape.gradient(outputs, [inputs, *layer.trainable_weights], upstream)])
    for ours, theirs in zip(*results, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5 * float(np.abs(theirs).max()))


def test_attention_and_its_gradient_are_those_of_its_definition():
    queries, keys, values, upstream = (tf.constant(RANDOM.normal(size=(2, 3, 11, 4)), tf.float32) for _ in range(4))

    def plain(queries, keys, values, bias):
        return ops.softmax(queries @ ops.transpose(keys, (0, 1, 3, 2)) + bias) @ values

    results = []
    for function in (attend, plain):
        with tf.GradientTape() as tape:
            tape.watch([queries, keys, values])
            outputs = function(queries, keys, values, BIAS)
        results.append([outputs, *tape.gradient(outputs, [queries, keys, values], upstream)])
    for ours, expected in zip(*results, strict=True):
        np.testing.assert_allclose(ours, expected, rtol=1e-5, atol=1e-5 * float(np.abs(expected).max()))


def test_the_gradient_of_attention_in_half_precision_has_its_sums_in_float32():
    """Values with a large mean: most of the sums cancels, and rounded products leave a larger error on any machine."""

    def gradient_of_queries(arrays):
        queries, keys, values, upstream = arrays
        with tf.GradientTape() as tape:
            tape.watch(queries)
            attended = attend(queries * 0.125, keys, values, np.zeros((1, 1, 1, 1), "float32"))
        return tf.cast(tape.gradient(attended, queries, upstream), tf.float32)

    def with_rounded_products(arrays):
        queries, keys, values, upstream = arrays
        weights = tf.cast(softmax_weights(queries * 0.125, keys, np.zeros((1, 1, 1, 1), "float32")), values.dtype)
        of_rows = tf.reduce_sum(tf.cast(upstream * (weights @ values), tf.float32), axis=-1, keepdims=True)
        of_weights = tf.cast(tf.matmul(upstream, values, transpose_b=True), tf.float32)
        of_scores = tf.cast(tf.cast(weights, tf.float32) * (of_weights - of_rows), values.dtype)
        return tf.cast((of_scores @ keys) * 0.125, tf.float32)

    errors = {gradient_of_queries: [], with_rounded_products: []}
    for seed in range(4):
        rng = np.random.default_rng(seed)
        arrays = [tf.constant(rng.normal(size=(2, 2, 40, 64)).astype("float32")) for _ in range(4)]
        arrays[2] = tf.cast(arrays[2], tf.bfloat16) + tf.cast(3.0, tf.bfloat16)
        arrays = [tf.cast(array, tf.bfloat16) for array in arrays]
        reference = gradient_of_queries([tf.cast(array, tf.float32) for array in arrays])
        for gradient, found in errors.items():
            found.append(tf.norm(gradient(arrays) - reference) / tf.norm(reference))
    assert np.mean(errors[gradient_of_queries]) < 0.92 * np.mean(errors[with_rounded_products])


def test_a_dense_layer_adds_what_it_is_given():
    layer = Dense(5)
    layer.build(STATES.shape)
    addend = RANDOM.normal(size=(2, 11, 5)).astype("float32")
    np.testing.assert_allclose(layer(STATES, addend), layer(STATES) + addend, rtol=1e-6, atol=1e-6)


def test_three_glorot_projections_in_one_have_the_spread_of_each():
    attention = SelfAttention(num_heads=4, head_dim=64)
    attention(np.zeros((1, 2, 128), "float32"), np.zeros((1, 1, 1, 2), "float32"))
    kernel = attention.qkv.kernel.numpy()
    assert np.abs(kernel).max() == pytest.approx(np.sqrt(6 / (128 + 256)), rel=1e-3)
    assert np.abs(attention.merge.kernel.numpy()).max() == pytest.approx(np.sqrt(6 / (256 + 256)), rel=1e-3)


def test_attention_is_uniform_where_every_key_is_excluded():
    attention = SelfAttention(num_heads=2, head_dim=6)
    bias = AttentionBias()(np.zeros((2, 11, 1), "float32"))
    np.testing.assert_allclose(attention(STATES, bias)[0, 0], attention(STATES, bias)[0, 7], atol=1e-6)
    np.testing.assert_allclose(attention.attention_weights(STATES, bias), np.full((2, 2, 11, 11), 1 / 11), atol=1e-7)


def test_unknown_ways_of_masking_are_errors():
    with pytest.raises(ValueError, match="invalid_magnitudes"):
        InputEmbedding(8, invalid_magnitudes="drop")
    with pytest.raises(ValueError, match="mask"):
        AttentionBias("Q")
