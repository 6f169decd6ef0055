"""Export of encoders and classifiers as ONNX, with the names that `light_curve.embed` expects."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops

from astromer.api.classifier import Classifier
from astromer.api.encoding import encoder_and_window
from astromer.api.onnx_graphs import fuse_normalisations
from astromer.errors import InputError
from astromer.files import atomic_path
from astromer.models.encoders import PERIODS, model_inputs
from astromer.models.pooling import pool
from astromer.models.weights import Pretrained

OPSET = 18
TOLERANCE = 1e-4  # of the check after the export, relative to the largest output; both compute in float32
NAMES = {"magnitudes": "input", "times": "times", "valid": "mask_in", PERIODS: PERIODS}
"""Names of the inputs here and in the exported file."""


def export_onnx(model: Pretrained | Classifier, path: Path | str) -> float:
    """Write an encoder, or an encoder with the head of a classifier, as an ONNX file, and compare it with Keras.

    Inputs of the file, float32: `input` (magnitudes, the window's mean subtracted), `times` [days, the window's mean
    subtracted] and `mask_in` (1 on real points), each `(batch, window, 1)`, and for an encoder with phase `periods`
    `(batch, 3 * number)`, see `astromer.data.phases`: the periodogram is not part of the file. Outputs: `mean` and
    `max` `(batch, dim)` of the last level over the real points, `sequence` `(batch, window, dim)`, and for a classifier
    `probabilities` `(batch, classes)` of each window.

    Returns:
        The largest absolute difference between the outputs of onnxruntime and of Keras on random windows.

    Raises:
        InputError: the extra `onnx` of the package is not installed.
        RuntimeError: the exported file does not compute what Keras does.
    """
    try:
        import onnxruntime
        import tf2onnx  # noqa: F401
    except ImportError as error:
        raise InputError(f"export: {error}; install the extra `onnx`: pip install 'astromer[onnx]'") from error
    exported, inputs = _exported_model(model), _random_windows()
    outputs = {name: np.asarray(value) for name, value in exported(model_inputs(exported, inputs)).items()}
    with atomic_path(Path(path)) as temporary:
        exported.export(temporary, format="onnx", verbose=False, opset_version=OPSET)
        fuse_normalisations(temporary)
        session = onnxruntime.InferenceSession(temporary, providers=["CPUExecutionProvider"])
        found = dict(zip(outputs, session.run(list(outputs), model_inputs(exported, inputs)), strict=True))
        difference = max(float(np.abs(found[name] - outputs[name]).max()) for name in outputs)
        largest = max(float(np.abs(value).max()) for value in outputs.values())
        if not difference <= TOLERANCE * largest:
            raise RuntimeError(f"{path}: onnxruntime and Keras differ by {difference:g}")
    return difference


def _exported_model(model: Pretrained | Classifier) -> keras.Model:
    """Build the model with the names of the inputs and outputs of the file."""
    pretrained = model.pretrained if isinstance(model, Classifier) else model
    encoder, _ = encoder_and_window(pretrained)
    shapes = {tensor.name: tensor.shape[1:] for tensor in encoder.inputs}
    inputs = {NAMES[name]: keras.Input(shape, dtype="float32", name=NAMES[name]) for name, shape in shapes.items()}
    read = {name: inputs[NAMES[name]] for name in shapes}
    levels = encoder(read)
    pooled: dict[str, Any] = pool(levels[-1:], read, ("mean", "max", "sequence"))
    outputs = {"mean": pooled["mean"][:, 0], "max": pooled["max"], "sequence": pooled["sequence"]}
    if isinstance(model, Classifier):
        names = [tensor.name for tensor in model.head.inputs]
        outputs["probabilities"] = ops.softmax(model.head(pool(levels, read, names)))
    return keras.Model(inputs, outputs, name="exported")


def _random_windows() -> dict[str, np.ndarray]:
    """Return the inputs of a few windows of different lengths."""
    rng = np.random.default_rng(0)
    valid = (np.arange(60) < np.array([60, 33, 1])[:, None]).astype(np.float32)[..., None]
    periods = np.array([[0.6, 3.0, 0.2], [40.0, 0.4, 11.0], [0.0, 0.0, 0.0]], np.float32)
    spread = {"input": 0.3, "times": 300.0}
    windows = {name: rng.normal(0, size, valid.shape).astype(np.float32) * valid for name, size in spread.items()}
    return windows | {"mask_in": valid, PERIODS: periods}
