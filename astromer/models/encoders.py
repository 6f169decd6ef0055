"""Astromer 1 and 2 as Keras models: the encoder, and the encoder with its reconstruction head."""

from collections.abc import Callable, Mapping
from typing import Any, cast

import keras

from astromer.config.encoders import EncoderConfig
from astromer.models.attention import AttentionBias, AttentionBlock
from astromer.models.embedding import InputEmbedding
from astromer.models.layers import Reconstruction

INPUT_NAMES = ("magnitudes", "times", "valid")


def window_inputs() -> dict[str, keras.KerasTensor]:
    """Create the inputs of a model: `magnitudes`, `times` [days] and `valid`, each `(batch, window, 1)` float32."""
    return {name: keras.Input((None, 1), dtype="float32", name=name) for name in INPUT_NAMES}


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


ENCODERS: dict[str, Callable[[EncoderConfig], keras.Model]] = {"v1": build_v1, "v2": build_v2}


def _stack_blocks(config: EncoderConfig, *, invalid_magnitudes: str, mask: str) -> keras.Model:
    # Inputs
    inputs = window_inputs()
    bias = AttentionBias(mask, name="attention_bias")(inputs["valid"])
    embedding = InputEmbedding(config.embedding_dim, config.dropout, invalid_magnitudes, name="input_embedding")

    # Encoder
    levels = [embedding(inputs["magnitudes"], inputs["times"], inputs["valid"])]
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
        Model `encoder`. Its input is a dict of `magnitudes`, `times` [days] and `valid`, each `(batch, window, 1)`; its
        output a list of `num_blocks + 1` representations `(batch, window, dim)`: the input embedding, then the output
        of each block.
    """
    return ENCODERS[config.architecture](config)


def build_reconstructor(encoder: keras.Model) -> keras.Model:
    """Build the reconstructor: `encoder` with the reconstruction head on its last representation.

    Returns:
        Model `reconstructor`. Its input is that of `encoder`; its output the magnitudes `(batch, window, 1)` float32,
        window mean subtracted. `get_layer("encoder")` and `get_layer("reconstruction")` return its parts.
    """
    inputs = window_inputs()
    levels = encoder(inputs)
    return keras.Model(inputs, Reconstruction(name="reconstruction")(levels[-1]), name="reconstructor")


def attention_weights(encoder: keras.Model, inputs: Mapping[str, Any]) -> list[Any]:
    """Compute the attention weights of every block: `num_blocks` tensors `(batch, num_heads, window, window)`, float32.

    The third axis is that of the queries, the fourth that of the keys; the weights of a query sum to 1.
    """
    inputs = {name: inputs[name] for name in INPUT_NAMES}
    levels = encoder(inputs)
    bias = encoder.get_layer("attention_bias")(inputs["valid"])
    return [
        encoder.get_layer(f"block_{index}").attention.attention_weights(level, bias)
        for index, level in enumerate(levels[:-1])
    ]
