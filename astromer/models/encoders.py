"""Astromer as Keras models: the encoder, and the encoder with the heads that it is pretrained with."""

from collections.abc import Callable, Mapping
from typing import Any, cast

import keras

from astromer.config.encoders import EncoderConfig
from astromer.models.attention import AttentionBias, AttentionBlock
from astromer.models.embedding import InputEmbedding
from astromer.models.layers import Reconstruction
from astromer.models.phase import AddedChannels, PhaseChannels
from astromer.models.scale import Rescaling, Unscaling
from astromer.models.summary import SummaryHead

INPUT_NAMES = ("magnitudes", "times", "valid")
PERIODS = "periods"


def window_inputs(num_periods: int = 0) -> dict[str, keras.KerasTensor]:
    """Create the inputs of a model: `magnitudes`, `times` [days] and `valid`, each `(batch, window, 1)` float32.

    With `num_periods` also `periods` `(batch, 3 * num_periods)`, see `astromer.data.phases`.
    """
    inputs = {name: keras.Input((None, 1), dtype="float32", name=name) for name in INPUT_NAMES}
    if num_periods:
        inputs[PERIODS] = keras.Input((3 * num_periods,), dtype="float32", name=PERIODS)
    return inputs


def num_periods_of(model: keras.Model) -> int:
    """Return how many periods of each window a model reads."""
    return sum(tensor.shape[-1] // 3 for tensor in model.inputs if tensor.name == PERIODS)


def model_inputs(model: keras.Model, batch: Mapping[str, Any]) -> dict[str, Any]:
    """Select the entries of a batch that a model reads."""
    return {tensor.name: batch[tensor.name] for tensor in model.inputs}


def build_v1(config: EncoderConfig) -> keras.Model:
    """Build Astromer 1.

    `paper` sets invalid magnitudes to zero and excludes invalid keys. `released` does neither: as in the published
    model, true magnitudes are kept at hidden points, and valid points attend more to invalid ones, padding included.
    """
    if config.variant == "released":
        return _stack_blocks(config, invalid_magnitudes="keep", mask="released_v1")
    return _stack_blocks(config, invalid_magnitudes="zero", mask="keys")


def build_v2(config: EncoderConfig) -> keras.Model:
    """Build Astromer 2.

    Both variants exclude invalid keys. `paper` replaces invalid magnitudes by the trainable mask token. `released`
    keeps the magnitudes and has no token, because in the released code the token is never part of the graph.
    """
    return _stack_blocks(config, invalid_magnitudes="keep" if config.variant == "released" else "token", mask="keys")


ENCODERS: dict[str, Callable[[EncoderConfig], keras.Model]] = {"v1": build_v1, "v2": build_v2, "v3": build_v2}
"""Astromer 3 is Astromer 2 with other defaults: its parts are options that every architecture has."""


def _stack_blocks(config: EncoderConfig, *, invalid_magnitudes: str, mask: str) -> keras.Model:
    # Inputs
    inputs = window_inputs(config.num_shown_periods)
    magnitudes, times, valid = (inputs[name] for name in INPUT_NAMES)
    bias = AttentionBias(mask, name="attention_bias")(valid)
    embedding = InputEmbedding(
        config.embedding_dim, config.dropout, invalid_magnitudes, config.time_encoding, name="input_embedding"
    )

    # Encoder
    channels = []
    if config.scale:
        magnitudes, log_scale = Rescaling(name="scale")(magnitudes, valid)
        channels.append(log_scale)
    if config.phase:
        channels.append(PhaseChannels(name="phase")(times, inputs[PERIODS]))
    levels = [embedding(magnitudes, times, valid)]
    if channels:
        levels = [AddedChannels(config.embedding_dim, name="channels")(levels[0], channels)]
    for index in range(cast(int, config.num_blocks)):  # `EncoderConfig` replaces null by the architecture's default
        block = AttentionBlock(
            config.num_heads,
            config.head_dim,
            config.feedforward_dim,
            residual=config.residual,
            dropout=config.dropout,
            name=f"block_{index}",
        )
        levels.append(block(levels[-1], bias))
    return keras.Model(inputs, levels, name="encoder")


def build_encoder(config: EncoderConfig) -> keras.Model:
    """Build the encoder of `config`.

    Returns:
        Model `encoder`. Its input is a dict of `magnitudes`, `times` [days] and `valid`, each `(batch, window, 1)`, and
        with `phase` also `periods` `(batch, 3 * num_periods)`; its output a list of `num_blocks + 1` representations
        `(batch, window, dim)`: the input embedding, then the output of each block.
    """
    return ENCODERS[config.architecture](config)


def build_reconstructor(config: EncoderConfig) -> keras.Model:
    """Build the encoder of `config` with the heads with which it is pretrained.

    Returns:
        Model `reconstructor`. Its input is that of the encoder; its output the magnitudes `(batch, window, 1)` float32,
        window mean subtracted. With a summary objective, the output is a dict of these `magnitudes`, `statistics`
        `(batch, 30)` and `period_class` `(batch, 48)`, see `SummaryHead`. `get_layer("encoder")`,
        `get_layer("reconstruction")` and `get_layer("summary")` return its parts.
    """
    inputs = window_inputs(config.num_shown_periods)
    last = build_encoder(config)(inputs)[-1]
    magnitudes = Reconstruction(name="reconstruction")(last)
    if config.scale:
        magnitudes = Unscaling(name="unscaling")(magnitudes, inputs["magnitudes"], inputs["valid"])
    if not config.summary_weight:
        return keras.Model(inputs, magnitudes, name="reconstructor")
    statistics, period_class = SummaryHead(name="summary")(last, inputs["valid"])
    outputs = {"magnitudes": magnitudes, "statistics": statistics, "period_class": period_class}
    return keras.Model(inputs, outputs, name="reconstructor")


def predicted_magnitudes(outputs: object) -> object:
    """Return the magnitudes `(batch, window, 1)` of a reconstructor's outputs, whether it has a summary head or not."""
    return outputs["magnitudes"] if isinstance(outputs, Mapping) else outputs


def attention_weights(encoder: keras.Model, inputs: Mapping[str, Any]) -> list[Any]:
    """Compute the attention weights of every block: `num_blocks` tensors `(batch, num_heads, window, window)`, float32.

    The third axis is that of the queries, the fourth that of the keys; the weights of a query sum to 1.
    """
    inputs = model_inputs(encoder, inputs)
    levels = encoder(inputs)
    bias = encoder.get_layer("attention_bias")(inputs["valid"])
    return [
        encoder.get_layer(f"block_{index}").attention.attention_weights(level, bias)
        for index, level in enumerate(levels[:-1])
    ]
