"""Speed of an exported encoder in onnxruntime, as a ratio to TensorFlow's in the same run.

    PYTHONPATH=. python benchmarks/bench_export.py [NAME_OR_PATH_OF_WEIGHTS] [THREADS]

Both compute the mean embedding of the same full windows, alternating, in batches of several sizes. The ratio is of the
best of all rounds and sizes, once by the clock and once in CPU time, which other jobs on the machine change less.
"""

import sys
import tempfile
import time
from collections.abc import Callable
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

ROUNDS, WINDOWS, WINDOW = 12, 64, 200
BATCHES = (16, 64)  # windows at once


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
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # waiting threads would count as work
    with tempfile.TemporaryDirectory() as folder:
        difference = export_onnx(pretrained, Path(folder, "encoder.onnx"))
        session = onnxruntime.InferenceSession(Path(folder, "encoder.onnx"), options)
    inputs = windows(encoder)
    best = {}
    for _ in range(ROUNDS):
        for size in BATCHES:
            parts = [
                {name: part[first : first + size] for name, part in inputs.items()} for first in range(0, WINDOWS, size)
            ]
            tensors = [{name: tf.constant(value) for name, value in part.items()} for part in parts]
            renamed = [{NAMES[name]: value for name, value in part.items()} for part in parts]
            keep_best(
                best, "TensorFlow", size, lambda tensors=tensors: [in_tensorflow(part).numpy() for part in tensors]
            )
            keep_best(
                best, "onnxruntime", size, lambda renamed=renamed: [session.run(["mean"], part) for part in renamed]
            )
    for (name, size), taken in best.items():
        print(
            f"{name:12} {size:4} at once: {WINDOWS / taken[0]:6.0f} windows/s, {WINDOWS / taken[1]:6.0f} per CPU second"
        )
    for place, clock in enumerate(("by the clock", "by CPU time")):
        least = [min(best[name, size][place] for size in BATCHES) for name in ("TensorFlow", "onnxruntime")]
        print(f"ratio {clock} {least[0] / least[1]:.2f}")
    print(f"largest difference {difference:.1e}")


def keep_best(best: dict[tuple[str, int], list[float]], name: str, size: int, run: Callable[[], object]) -> None:
    """Time a call by the clock and in CPU time; keep the least of each."""
    clock, processor = time.perf_counter(), time.process_time()
    run()
    taken = [time.perf_counter() - clock, time.process_time() - processor]
    best[name, size] = [min(pair) for pair in zip(best.get((name, size), taken), taken, strict=True)]


def windows(encoder: keras.Model) -> dict[str, np.ndarray]:
    """Return random full windows, as the encoder reads them."""
    rng = np.random.default_rng(0)
    points = {"magnitudes": rng.normal(0, 0.3, (WINDOWS, WINDOW, 1)), "times": rng.normal(0, 300, (WINDOWS, WINDOW, 1))}
    points |= {"valid": np.ones((WINDOWS, WINDOW, 1)), PERIODS: rng.uniform(0.1, 10, (WINDOWS, 3))}
    return {tensor.name: points[tensor.name].astype(np.float32) for tensor in encoder.inputs}


if __name__ == "__main__":
    main(*sys.argv[1:])
