"""Classifier heads on the pooled representations of a frozen encoder, one module per head.

Every module of this package is a head, named after its file. It defines `INPUTS`, the names of the arrays of
`astromer.models.pooling.pool` that it reads, and `features(pooled, variant)`, which returns `(batch, any)` for the
common classifier. The encoder therefore runs only once, for any number of heads and epochs.
"""

from collections.abc import Sequence
from importlib import import_module
from types import ModuleType

import keras

from astromer.config.registry import HEADS, check_name
from astromer.models.classifier import classify


def head_module(name: str) -> ModuleType:
    """Import the module of a head.

    Raises:
        InputError: there is no such head.
    """
    return import_module(f"{__name__}.{check_name('head', name, HEADS)}")


def build_head(
    name: str, *, num_levels: int, dim: int, num_classes: int, hidden: Sequence[int], variant: str = "paper"
) -> keras.Model:
    """Build a head.

    Args:
        name: name of its module.
        num_levels: levels of the encoder, `num_blocks + 1`.
        dim: width of the encoder.
        num_classes: number of logits.
        hidden: widths of the classifier's relu layers.
        variant: `paper` or `released`.

    Returns:
        Model `head_<name>`. Its inputs are the arrays that the head reads, `mean` `(batch, num_levels, dim)` or `max`
        `(batch, dim)`; its output the logits `(batch, num_classes)`.

    Raises:
        InputError: there is no such head or variant.
    """
    head = head_module(name)
    shapes = {"mean": (num_levels, dim), "max": (dim,)}
    # Inputs
    pooled = {name: keras.Input(shapes[name], name=name) for name in head.INPUTS}

    # Head
    logits = classify(head.features(pooled, variant), num_classes, hidden)
    return keras.Model(pooled, logits, name=f"head_{name}")
