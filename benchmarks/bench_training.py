"""Training steps and embedding: windows per second, against the original release and the machine's matrix product.

    PYTHONPATH=. .venv/bin/python benchmarks/bench_training.py [--repeats 5]

The steps run on batches that are already in memory, as the original was timed; `bench_batches.py` times their source.
Two ratios are printed: to the original's rate, corrected for the machine's present rate of matrix products, and of the
model's matrix products alone to that rate, which is what bounds a large model on a CPU.

The last part trains on short series, 48 to 280 observations as Hipparcos has them, with and without batching windows of
similar length together.
"""

import argparse
import itertools
import os
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")

import keras
import numpy as np
import polars as pl
import tensorflow as tf
from bench_records import ORIGINAL_GEMM_GFLOPS, gemm_gflops

from astromer.config.encoders import EncoderConfig
from astromer.config.training import Masking
from astromer.data.batches import PAD_MULTIPLE, pretraining_batches
from astromer.data.records import write_records
from astromer.models.encoders import build_encoder, build_reconstructor
from astromer.models.pooling import pool
from astromer.training.objectives import ReconstructionObjective
from astromer.training.steps import compile_step

WINDOW = 200
SMALL = {"num_blocks": 2, "num_heads": 2, "head_dim": 32, "feedforward_dim": 128}
# model, architecture, windows of a batch, and the original's windows/s in training and embedding
CASES = [
    ("small", SMALL | {"residual": False}, 64, 570, 2250),
    ("small", SMALL | {"residual": False}, 256, 853, 2428),
    ("published v2", {}, 64, 50, 147),
]
SHORT_LENGTHS = np.interp(
    np.linspace(0, 1, 2000), [0, 0.05, 0.25, 0.5, 0.75, 0.95, 1], [48, 63, 82, 103, 119, 168, 283]
).astype(int)


def gflop_of_window(config: EncoderConfig) -> float:
    """Return the matrix products of one window's forward pass [GFLOP]; a training step takes three times as many."""
    dim, hidden, length = config.dim, config.feedforward_dim, config.window
    projections = 4 * dim**2 + 2 * dim * hidden + (2 * dim**2 if config.residual else 0)
    attention = 2 * length * dim
    return 2 * length * (projections + attention) * config.num_blocks / 1e9


def write_light_curves(path: Path, lengths: np.ndarray) -> Path:
    """Write records of stars with the given numbers of observations."""
    rng = np.random.default_rng(1)
    total = lengths.sum()
    ids = np.array([f"{star:06d}" for star in range(len(lengths))])
    observations = pl.DataFrame(
        {
            "id": np.repeat(ids, lengths),
            "mjd": np.concatenate([np.sort(rng.uniform(48000, 49200, length)) for length in lengths]),
            "mag": rng.normal(9, 1, total).astype(np.float32),
            "err_mag": rng.uniform(0.01, 0.1, total).astype(np.float32),
        }
    )
    objects = pl.DataFrame({"id": ids, "class": "EC", "band": "Hp", "shard": 0})
    return write_records(observations, objects, path, classes=["EC"]).path


def masked_batches(files: list[Path], batch_size: int, pad_multiple: int | None = None) -> tf.data.Dataset:
    """Return an epoch of masked windows."""
    common = {"window": WINDOW, "batch_size": batch_size, "seed": 1, "masking": Masking()}
    return pretraining_batches(files, **common, pad_multiple=pad_multiple)


def training_step(config: EncoderConfig) -> Callable[[dict], object]:
    """Return the compiled step of a new model, with Adam and the weighted loss of Astromer 2."""
    model = build_reconstructor(config)
    optimizer = keras.optimizers.Adam(1e-5, beta_1=0.9, beta_2=0.98, epsilon=1e-9)
    optimizer.build(model.trainable_variables)
    return compile_step(model, ReconstructionObjective(weighted=True), optimizer, jit=False).on_batch


def embedding_step(config: EncoderConfig) -> Callable[[dict], object]:
    """Return the compiled pass of a new encoder with its pooling over time."""
    encoder = build_encoder(config)
    fields = ("magnitudes", "times", "valid")
    compiled = tf.function(lambda inputs: pool(encoder(inputs, training=False), inputs))
    return lambda batch: compiled({name: batch[name] for name in fields})["max"]


def windows_per_s(step: Callable[[dict], object], batches: Iterable[dict], least_seconds: float) -> float:
    """Return the rate of a step, measured over at least `least_seconds`."""
    start, windows = time.perf_counter(), 0
    for batch in batches:
        np.asarray(step(batch))
        windows += len(batch["length"])
        if time.perf_counter() - start > least_seconds:
            break
    return windows / (time.perf_counter() - start)


def compare(label: str, step: Callable, batches: list[dict], original: float, gflop: float, repeats: int) -> None:
    """Print the median rate of a step and its ratios to the original and to the matrix product timed around it."""
    for batch in batches[:2]:
        np.asarray(step(batch))
    rates, ratios, shares = [], [], []
    for _ in range(repeats):
        gemm = gemm_gflops(0.5)
        rates.append(windows_per_s(step, itertools.cycle(batches), 3.0))
        gemm = (gemm + gemm_gflops(0.5)) / 2
        ratios.append(rates[-1] / original * ORIGINAL_GEMM_GFLOPS / gemm)
        shares.append(rates[-1] * gflop / gemm)
    print(
        f"{label:36s}{np.median(rates):7.0f} windows/s{np.median(ratios):6.2f} x the original"
        f"{np.median(shares):6.0%} of {gemm:.0f} GFLOP/s",
        flush=True,
    )


def compare_lengths(repeats: int) -> None:
    """Print the rate of training on short series, with batches of similar length and with padding to the window."""
    with tempfile.TemporaryDirectory() as scratch:
        files = [write_light_curves(Path(scratch, "short.tfrecord"), SHORT_LENGTHS)]
        for name, options, batch_size, *_ in CASES[1:]:
            rates = {None: [], PAD_MULTIPLE: []}
            steps = {pad: training_step(EncoderConfig(architecture="v2", window=WINDOW, **options)) for pad in rates}
            for repeat in range(repeats + 1):
                for pad, step in steps.items():
                    rate = windows_per_s(step, masked_batches(files, batch_size, pad), 6.0)
                    if repeat:
                        rates[pad].append(rate)
            padded, trimmed = (np.median(rates[pad]) for pad in rates)
            ratio = np.median(np.divide(rates[PAD_MULTIPLE], rates[None]))
            label = f"{name}, short series, batches of {batch_size}"
            print(f"{label:44s}{padded:6.0f} -> {trimmed:6.0f} windows/s, {ratio:.2f} x", flush=True)


def main() -> None:
    """Time the models' steps."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    repeats = parser.parse_args().repeats
    with tempfile.TemporaryDirectory() as scratch:
        file = write_light_curves(Path(scratch, "long.tfrecord"), np.full(500, 2 * WINDOW))
        for name, options, batch_size, training, embedding in CASES:
            config = EncoderConfig(architecture="v2", window=WINDOW, **options)
            batches = list(masked_batches([file], batch_size).take(3))
            gflop, label = gflop_of_window(config), f"{name}, batches of {batch_size}"
            compare(f"{label}, training", training_step(config), batches, training, 3 * gflop, repeats)
            compare(f"{label}, embedding", embedding_step(config), batches, embedding, gflop, repeats)
    compare_lengths(repeats)


if __name__ == "__main__":
    main()
