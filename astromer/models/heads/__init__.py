"""Classifier heads on the representations of an encoder, one module per head.

Every module of this package is a head, named after its file. It defines

- `INPUTS`, a literal tuple of the names of the arrays of `astromer.models.pooling.pool` that it reads (and
  `RELEASED_INPUTS` if the variant `released` reads others);
- `features(pooled, variant)`, which returns `(batch, any)` for the common classifier;
- `classify(features, num_classes, hidden)`, only if it has a classifier of its own.

The representations of a frozen encoder are computed once for all heads and epochs.
"""

from collections.abc import Sequence
from importlib import import_module
from types import ModuleType

import keras

from astromer.config.registry import HEADS, check_name, head_arrays
from astromer.config.section import VARIANTS
from astromer.models.classifier import classify
from astromer.models.pooling import Pooling
from astromer.models.standardise import Standardise

STANDARDISED_AXES = {"mean": 2, "std": 1, "max": 1, "log_scale": 1, "padding": 1, "sequence": 1}
"""Arrays of `pool` that are standardised, and the number of their last axes with a separate mean and scale."""


def head_module(name: str) -> ModuleType:
    """Import the module of a head.

    Raises:
        InputError: there is no such head.
    """
    return import_module(f"{__name__}.{check_name('head', name, HEADS)}")


def input_shapes(num_levels: int, dim: int) -> dict[str, tuple[int | None, ...]]:
    """Return the shape of each array that a head may read, without the batch, for an encoder of this size."""
    return {
        "mean": (num_levels, dim),
        "std": (dim,),
        "max": (dim,),
        "log_scale": (1,),
        "padding": (dim,),
        "sequence": (None, dim),
        "valid": (None, 1),
    }


def build_head(
    name: str,
    *,
    num_levels: int,
    dim: int,
    num_classes: int,
    hidden: Sequence[int],
    variant: str = "paper",
    standardise: bool | None = None,
) -> keras.Model:
    """Build a head.

    Args:
        name: name of its module.
        num_levels: levels of the encoder, `num_blocks + 1`.
        dim: width of the encoder.
        num_classes: number of logits.
        hidden: widths of the classifier's relu layers.
        variant: `paper` or `released`.
        standardise: begin with `Standardise` layers, which `astromer.models.standardise.adapt_to_training` sets; None
            means yes in `paper` and no in `released`.

    Returns:
        Model `head_<name>`. Its inputs are the arrays of `astromer.config.registry.head_arrays`; its output the logits
        `(batch, num_classes)`.

    Raises:
        InputError: there is no such head or variant.
    """
    module = head_module(name)
    check_name("head variant", variant, VARIANTS)
    shapes = input_shapes(num_levels, dim)
    # Inputs
    pooled = {name: keras.Input(shapes[name], name=name) for name in head_arrays(name, variant)}
    read = dict(pooled)
    if standardise or (standardise is None and variant == "paper"):
        for array in sorted(STANDARDISED_AXES.keys() & pooled.keys()):
            read[array] = Standardise(STANDARDISED_AXES[array], name=f"standardise_{array}")(pooled[array])

    # Head
    features = module.features(read, variant)
    logits = getattr(module, "classify", classify)(features, num_classes, hidden)
    return keras.Model(pooled, logits, name=f"head_{name}")


def join_encoder(encoder: keras.Model, head: keras.Model, arrays: Sequence[str]) -> keras.Model:
    """Put a head on an encoder that is trained with it.

    Args:
        encoder: model `encoder` with L = blocks + 1 levels as outputs.
        head: model of `build_head`.
        arrays: arrays of `astromer.models.pooling.pool` that the head reads.

    Returns:
        Model with the inputs of the encoder, and the logits `(batch, num_classes)` of the head.
    """
    inputs = {tensor.name: keras.Input(tensor.shape[1:], name=tensor.name) for tensor in encoder.inputs}
    return keras.Model(
        inputs, head(Pooling(arrays, name="pooling")(encoder(inputs), inputs)), name=f"{head.name}_on_encoder"
    )
