"""Speed of an exported encoder in onnxruntime, as a ratio to TensorFlow's in the same run.

    python benchmarks/bench_export.py [NAME_OR_PATH_OF_WEIGHTS] [THREADS]

Both compute the mean embedding of the same full windows, alternating; the ratio is of the best of several rounds.
"""

import sys
import tempfile
import time
from pathlib import Path

import keras
import numpy as np
import onnxruntime
import tensorflow as tf

import astromer
from astromer.api.onnx import NAMES, export_onnx
from astromer.models.encoders import PERIODS
from astromer.models.pooling import masked_mean
from astromer.training.steps import input_specs

ROUNDS, BATCH, WINDOW = 7, 128, 200


def main(weights: str = "astromer-mini", threads: str = "2") -> None:
    """Export, and time both."""
    tf.config.threading.set_intra_op_parallelism_threads(int(threads))
    pretrained = astromer.load_pretrained(weights)
    encoder = pretrained.model.get_layer("encoder")

    @tf.function(input_signature=[input_specs(encoder)])
    def in_tensorflow(inputs):
        return masked_mean(encoder(inputs, training=False)[-1], inputs["valid"])

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = int(threads)
    with tempfile.TemporaryDirectory() as folder:
        difference = export_onnx(pretrained, Path(folder, "encoder.onnx"))
        session = onnxruntime.InferenceSession(Path(folder, "encoder.onnx"), options)
    inputs = windows(encoder)
    tensors = {name: tf.constant(value) for name, value in inputs.items()}
    renamed = {NAMES[name]: value for name, value in inputs.items()}
    runs = {"TensorFlow": lambda: in_tensorflow(tensors).numpy(), "onnxruntime": lambda: session.run(["mean"], renamed)}
    best = dict.fromkeys(runs, np.inf)
    for _ in range(ROUNDS):
        for name, run in runs.items():
            start = time.perf_counter()
            run()
            best[name] = min(best[name], time.perf_counter() - start)
    for name, seconds in best.items():
        print(f"{name:12} {BATCH / seconds:8.0f} windows of {WINDOW} points per second")
    print(f"ratio {best['TensorFlow'] / best['onnxruntime']:.2f}, largest difference {difference:.1e}")


def windows(encoder: keras.Model) -> dict[str, np.ndarray]:
    """Return random full windows, as the encoder reads them."""
    rng = np.random.default_rng(0)
    points = {"magnitudes": rng.normal(0, 0.3, (BATCH, WINDOW, 1)), "times": rng.normal(0, 300, (BATCH, WINDOW, 1))}
    points |= {"valid": np.ones((BATCH, WINDOW, 1)), PERIODS: rng.uniform(0.1, 10, (BATCH, 3))}
    return {tensor.name: points[tensor.name].astype(np.float32) for tensor in encoder.inputs}


if __name__ == "__main__":
    main(*sys.argv[1:])
