"""Low-rank adaptation: finetuning that trains few parameters (Hu et al. 2022, LoRA, ICLR).

The kernel W of each attention projection stays, and a product A B of a given rank is learned beside it. Everything else
keeps its pretrained weights.
"""

from collections.abc import Iterator

import keras
import numpy as np
from keras import ops

from astromer.models.attention import AttentionBlock


def adapt_attention(model: keras.Model, rank: int) -> None:
    """Freeze a reconstructor, and let it learn a low-rank change of each attention projection, in place.

    The change starts at zero. A saved model contains the changed kernels, so that it loads like any other.

    Args:
        model: reconstructor.
        rank: rank of the changes; at 4, an encoder of the paper's size trains 1 % of its parameters.
    """
    for weight in model.trainable_variables:
        weight.trainable = False
    for projection in _projections(model):
        projection.enable_lora(rank)


def merged_weights(model: keras.Model) -> dict[str, np.ndarray]:
    """Return the weights of a reconstructor by path; learned changes are part of the kernels that they change."""
    values = {weight.path: ops.convert_to_numpy(weight) for weight in model.weights}
    for projection in _projections(model):
        if projection.lora_enabled:
            folder = projection.lora_kernel_a.path.rpartition("/")[0]
            values[f"{folder}/kernel"] = ops.convert_to_numpy(projection.kernel)
            del values[projection.lora_kernel_a.path], values[projection.lora_kernel_b.path]
    return values


def _projections(model: keras.Model) -> Iterator[keras.layers.Dense]:
    for layer in model.get_layer("encoder").layers:
        if isinstance(layer, AttentionBlock):
            yield from (layer.attention.qkv, layer.attention.merge)
