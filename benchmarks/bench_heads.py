"""Epochs of a head on stored embeddings, relative to epochs that run the frozen encoder for every head.

PYTHONPATH=. python benchmarks/bench_heads.py [--stars 140] [--epochs 600]

Both ways train the same head on the same windows of 200 points, with the same batches; the second one computes the
embeddings in every epoch, as the released code does. The one pass that stores the embeddings counts in the first. The
last number is the time of an epoch with one call of TensorFlow per step, relative to one call per stack of steps.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
import polars as pl
from bench_training import embedding_step, write_light_curves

from astromer.config.encoders import EncoderConfig
from astromer.data.batches import plain_batches
from astromer.evaluation.embeddings import embed_windows, head_inputs
from astromer.models.encoders import build_encoder
from astromer.models.heads import build_head, head_arrays
from astromer.training.arrays import array_batches
from astromer.training.objectives import ClassificationObjective
from astromer.training.steps import compile_step

WINDOW, BATCH_SIZE, NUM_CLASSES = 200, 32, 7
ENCODERS = {
    "small v2": {"architecture": "v2", "num_blocks": 2, "num_heads": 2, "head_dim": 32, "feedforward_dim": 128},
    "published v2": {"architecture": "v2"},
}


def measure(config: EncoderConfig, records: Path, epochs: int) -> tuple[float, float, float]:
    """Return seconds of an epoch: on stored embeddings, their computation included; with the encoder; call by call."""
    encoder = build_encoder(config)

    def embed() -> dict[str, np.ndarray]:
        batches = plain_batches([records], window=WINDOW, batch_size=BATCH_SIZE)
        table = embed_windows(encoder, batches, head_arrays("skip"))
        labels = pl.Series(np.arange(len(table)) % NUM_CLASSES, dtype=pl.Int32)
        return head_inputs(table.with_columns(label=labels), head_arrays("skip"))

    head = build_head("skip", num_levels=config.num_blocks + 1, dim=config.dim, num_classes=NUM_CLASSES, hidden=(256,))
    optimizer = keras.optimizers.Adam(1e-4)
    optimizer.build(head.trainable_variables)
    step = compile_step(head, ClassificationObjective(weighted=True), optimizer, jit=False)
    arrays = embed()

    def train() -> None:
        for totals in step.run(head, array_batches(arrays, BATCH_SIZE, seed=0)(0)):
            np.asarray(totals)

    def train_call_by_call() -> None:
        for batch in array_batches(arrays, BATCH_SIZE, seed=0)(0):
            np.asarray(step.on_batch(batch))

    encode, batches = embedding_step(config), list(plain_batches([records], window=WINDOW, batch_size=BATCH_SIZE))
    once = seconds(lambda: [np.asarray(encode(batch)) for batch in batches], 1)
    epoch = seconds(train, epochs)
    return epoch + once / epochs, epoch + once, seconds(train_call_by_call, epochs) / epoch


def seconds(work: Callable[[], object], repeats: int) -> float:
    """Return the mean seconds of some work after its first call, which traces."""
    work()
    started = time.perf_counter()
    for _ in range(repeats):
        work()
    return (time.perf_counter() - started) / repeats


def main() -> None:
    """Print the seconds of an epoch both ways, and their ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stars", type=int, default=140, help="light curves of one window")
    parser.add_argument(
        "--epochs", type=int, default=600, help="epochs of all heads of a dataset, fold and SPC together"
    )
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        records = write_light_curves(Path(folder, "stars.tfrecord"), np.full(arguments.stars, WINDOW))
        for name, content in ENCODERS.items():
            stored, again, call_by_call = measure(EncoderConfig.read(content), records, arguments.epochs)
            print(
                f"{name}: {1e3 * stored:.1f} ms an epoch on stored embeddings, {1e3 * again:.1f} ms with the encoder: "
                f"{again / stored:.0f} times as fast; steps one by one: {call_by_call:.1f} times as slow"
            )


if __name__ == "__main__":
    main()
