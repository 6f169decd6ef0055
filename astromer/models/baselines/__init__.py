"""Classifiers without a pretrained encoder, trained from scratch on the windows themselves; one module per baseline.

Every module of this package is a baseline, named after its file. It defines `features(inputs, dim, units, variant)`,
which computes features `(batch, any)` for the common classifier from the inputs of an encoder.
"""

from collections.abc import Sequence
from importlib import import_module

import keras

from astromer.config.registry import BASELINES, check_name
from astromer.models.classifier import classify
from astromer.models.encoders import window_inputs


def build_baseline(
    name: str,
    *,
    num_classes: int,
    units: int,
    hidden: Sequence[int],
    dim: int = 256,
    variant: str = "paper",
) -> keras.Model:
    """Build a baseline.

    Args:
        name: name of its module.
        num_classes: number of logits.
        units: width of the recurrent network (`raw_gru`, `base_gru`).
        hidden: widths of the classifier's relu layers.
        dim: width of the input embedding (`base_avgpool`, `base_gru`).
        variant: with `paper` the times of `raw_gru` are scaled, with `released` they are in days; the other baselines
            do not depend on it.

    Returns:
        Model `baseline_<name>`. Its inputs are those of an encoder, with every real point visible; its output the
        logits `(batch, num_classes)`.

    Raises:
        InputError: there is no such baseline or variant.
    """
    baseline = import_module(f"{__name__}.{check_name('baseline', name, BASELINES)}")
    # Inputs
    inputs = window_inputs()

    # Classifier
    features = baseline.features(inputs, dim=dim, units=units, variant=variant)
    return keras.Model(inputs, classify(features, num_classes, hidden), name=f"baseline_{name}")
