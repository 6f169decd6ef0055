"""TFRecord to batches of masked windows: windows per second, against a pipeline per object and the original release.

    PYTHONPATH=. .venv/bin/python benchmarks/bench_batches.py [--light-curves 20000] [--batch-size 256]

Nothing is cached except by the operating system: each epoch reads the records and draws masks again. The first epoch of
each measurement is discarded, and the machine's rate of matrix products is measured with each.
"""

import argparse
import os
import tempfile
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
import tensorflow as tf
from bench_records import CLASSES, ORIGINAL_GEMM_GFLOPS, gemm_gflops, simulate, timed

from astromer.config.training import Masking
from astromer.data.batches import plain_batches, pretraining_batches
from astromer.data.records import write_records
from astromer.data.windows import window_starts

ORIGINAL_WINDOWS_PER_S = {"all windows": 8604, "sampling": 6527}
WINDOW = 200
MASKING = Masking()


def per_object(files: list[Path], batch_size: int) -> tf.data.Dataset:
    """Return masked windows of a pipeline with one map call per object and per window."""

    def windows(serialized: tf.Tensor) -> tf.data.Dataset:
        _, lists = tf.io.parse_single_sequence_example(
            serialized, sequence_features={key: tf.io.VarLenFeature(tf.float32) for key in ("mjd", "mag", "errmag")}
        )
        series = tf.stack([tf.sparse.to_dense(lists[key])[0] for key in ("mjd", "mag", "errmag")], 1)
        length = tf.shape(series)[0]
        starts = tf.minimum(tf.range(0, length, WINDOW), tf.maximum(length - WINDOW, 0))
        return tf.data.Dataset.from_tensor_slices(starts).map(lambda start: series[start : start + WINDOW])

    def mask(window: tf.Tensor) -> tuple[tf.Tensor, ...]:
        window -= tf.reduce_mean(window, 0)
        length = tf.shape(window)[0]
        rank = tf.argsort(tf.random.shuffle(tf.range(length)))
        probed, hidden = rank < length // 2, rank < length * 8 // 25
        replaced = tf.where(
            (rank >= length * 8 // 25) & (rank < length * 2 // 5), tf.random.shuffle(window[:, 1]), window[:, 1]
        )
        return (
            replaced,
            window[:, 0],
            tf.cast(hidden, tf.float32),
            window[:, 1],
            tf.cast(probed, tf.float32),
            window[:, 2],
        )

    records = tf.data.TFRecordDataset([str(file) for file in files]).shuffle(8192).flat_map(windows)
    return records.map(mask, tf.data.AUTOTUNE).padded_batch(batch_size, ([WINDOW],) * 6).prefetch(tf.data.AUTOTUNE)


def drain(batches: tf.data.Dataset) -> None:
    """Iterate over a dataset and discard its elements."""
    for _ in batches:
        pass


def measure(label: str, epoch, windows: int, original: float | None = None) -> float:
    """Time three epochs after the first, print and return the median rate."""
    drain(epoch(0))
    rates, ratios = [], []
    for number in range(1, 4):
        gemm = gemm_gflops(0.25)
        rates.append(windows / timed(drain, epoch(number)))
        gemm = (gemm + gemm_gflops(0.25)) / 2
        ratios.append(rates[-1] / (original or np.nan) / (gemm / ORIGINAL_GEMM_GFLOPS))
    beside = f"{np.median(ratios):6.1f} times the original per GEMM rate" if original else ""
    print(f"{label:28s}{np.median(rates):9.0f} windows/s at {gemm:4.0f} GFLOP/s {beside}", flush=True)
    return np.median(rates)


def main() -> None:
    """Time all kinds of batches."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--light-curves", type=int, default=20000)
    parser.add_argument("--batch-size", type=int, default=256)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        files, counts = [], []
        for shard in range(4):
            observations, objects = simulate(arguments.light_curves // 4, shard)
            files.append(write_records(observations, objects, Path(scratch, f"{shard}.tfrecord"), classes=CLASSES).path)
            counts += observations["id"].rle().struct.field("len").to_list()
        windows = sum(len(window_starts(count, WINDOW)) for count in counts)
        common = {"files": files, "window": WINDOW, "batch_size": arguments.batch_size}
        masked = {**common, "seed": 1, "masking": MASKING}
        plain = measure("one object at a time", lambda epoch: per_object(files, arguments.batch_size), windows)
        original = ORIGINAL_WINDOWS_PER_S["all windows"]
        ours = measure("paper", lambda epoch: pretraining_batches(**masked, epoch=epoch), windows, original)
        print(f"  {ours / plain:.1f} times one object at a time; target 8 times the original")
        for label, change in {
            "released": {"variant": "released"},
            "validation": {"training": False},
            "similar lengths together": {"pad_multiple": 40},
        }.items():
            measure(label, lambda epoch, c=change: pretraining_batches(**masked, **c, epoch=epoch), windows, original)
        measure(
            "sampling",
            lambda epoch: pretraining_batches(**masked, sampling=True, epoch=epoch),
            len(counts),
            ORIGINAL_WINDOWS_PER_S["sampling"],
        )
        measure("nothing masked", lambda epoch: plain_batches(**common, shuffle=True, epoch=epoch), windows)


if __name__ == "__main__":
    main()
