"""Astromer 1 and 2 as Keras models: the encoder, and the encoder with its reconstruction head."""

from collections.abc import Callable, Mapping

import keras

from astromer.errors import InputError
from astromer.models.config import EncoderConfig
from astromer.models.layers import AttentionBias, AttentionBlock, InputEmbedding, Reconstruction

INPUT_NAMES = ("magnitudes", "times", "valid")


def window_inputs() -> dict[str, keras.KerasTensor]:
    """Inputs of encoders and baselines: `magnitudes`, `times` [days], `valid`, each `(batch, window, 1)` float32."""
    return {name: keras.Input((None, 1), dtype="float32", name=name) for name in INPUT_NAMES}


def build_v1(config: EncoderConfig) -> keras.Model:
    """Build Astromer 1.

    `paper` zeroes invalid magnitudes and excludes invalid keys. `released` does neither: as in the published model,
    true magnitudes are kept at hidden points and valid points attend more to invalid ones, padding included.
    """
    if config.variant == "released":
        return _stack_blocks(config, invalid_magnitudes="keep", mask="released_v1")
    return _stack_blocks(config, invalid_magnitudes="zero", mask="keys")


def build_v2(config: EncoderConfig) -> keras.Model:
    """Build Astromer 2.

    Both variants exclude invalid keys. `paper` replaces invalid magnitudes by the trainable mask token;
    `released` has no token, since in the released code it is never part of the graph, and keeps the magnitudes.
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
    for index in range(config.num_blocks):
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
        Model `encoder`: a dict of `magnitudes`, `times` [days] and `valid`, each `(batch, window, 1)`, to a list of
        `num_blocks + 1` representations `(batch, window, dim)`: the input embedding, then each block's output.

    Raises:
        InputError: the architecture is not registered.
    """
    if config.architecture not in ENCODERS:
        raise InputError(f"encoder config: architecture is {config.architecture!r}; expected one of {sorted(ENCODERS)}")
    return ENCODERS[config.architecture](config)


def build_reconstructor(encoder: keras.Model) -> keras.Model:
    """Put the reconstruction head on the last representation of `encoder`.

    Returns:
        Model `reconstructor`: the inputs of `encoder` to magnitudes `(batch, window, 1)` float32, window mean
        subtracted. `get_layer("encoder")` and `get_layer("reconstruction")` give its parts.
    """
    inputs = window_inputs()
    levels = encoder(inputs)
    return keras.Model(inputs, Reconstruction(name="reconstruction")(levels[-1]), name="reconstructor")


def attention_weights(encoder: keras.Model, inputs: Mapping[str, object]) -> list:
    """Attention of every block: `num_blocks` tensors `(batch, num_heads, window, window)`, float32.

    The third axis counts queries, the fourth keys; each row sums to 1.
    """
    inputs = {name: inputs[name] for name in INPUT_NAMES}
    levels = encoder(inputs)
    bias = encoder.get_layer("attention_bias")(inputs["valid"])
    return [
        encoder.get_layer(f"block_{index}").attention.attention_weights(level, bias)
        for index, level in enumerate(levels[:-1])
    ]
