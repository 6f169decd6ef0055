"""What v3 costs: training and embedding from records, periodogram included, against v2 of the same width.

    PYTHONPATH=. .venv/bin/python benchmarks/bench_v3.py [--repeats 3] [--stars 1500]

Both models run in turn on the same records, in the same process. For each width it prints windows per second of both,
the ratio, and how long v3 takes to embed a million stars of 100 observations at the measured rate.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")

import keras
import numpy as np
import tensorflow as tf
from bench_training import write_light_curves

from astromer.config.encoders import EncoderConfig
from astromer.config.training import Masking
from astromer.data.batches import PAD_MULTIPLE, plain_batches, pretraining_batches
from astromer.models.encoders import build_encoder, build_reconstructor, model_inputs, num_periods_of
from astromer.training.pretraining import pretraining_objective
from astromer.training.steps import compile_step, input_specs

POINTS = 100  # observations of a star
WIDTHS = {
    "64 wide, 2 blocks": {"num_blocks": 2, "num_heads": 2, "head_dim": 32, "feedforward_dim": 128},
    "128 wide, 3 blocks": {"num_blocks": 3, "num_heads": 4, "head_dim": 32, "feedforward_dim": 256},
}


def training(config: EncoderConfig, records: Path, batch_size: int = 32) -> Callable[[int], float]:
    """Return a function that trains for an epoch and returns the windows per second, batches included."""
    model = build_reconstructor(config)
    optimizer = keras.optimizers.Adam(1e-5)
    optimizer.build(model.trainable_variables)
    step = compile_step(model, pretraining_objective(config), optimizer, jit=False).on_batch

    def run(epoch: int) -> float:
        batches = pretraining_batches(
            [records],
            window=POINTS,
            batch_size=batch_size,
            seed=1,
            epoch=epoch,
            masking=Masking(),
            num_periods=config.num_shown_periods,
            pad_multiple=PAD_MULTIPLE,
        )
        return rate(lambda batch: np.asarray(step(batch)), batches)

    return run


def embedding(config: EncoderConfig, records: Path, batch_size: int = 256) -> Callable[[int], float]:
    """Return a function that embeds all windows and returns the windows per second, batches included."""
    encoder = build_encoder(config)
    compiled = tf.function(lambda inputs: encoder(inputs, training=False)[-1], input_signature=[input_specs(encoder)])

    def run(epoch: int) -> float:
        batches = plain_batches([records], window=POINTS, batch_size=batch_size, num_periods=num_periods_of(encoder))
        return rate(lambda batch: compiled(model_inputs(encoder, batch)).numpy(), batches)

    return run


def rate(step: Callable[[dict], object], batches: Iterable[dict]) -> float:
    """Return windows per second."""
    start, windows = time.perf_counter(), 0
    for batch in batches:
        step(batch)
        windows += len(batch["length"])
    return windows / (time.perf_counter() - start)


def main() -> None:
    """Print a line for each width and task."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--stars", type=int, default=1500)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        records = write_light_curves(Path(folder, "stars.tfrecord"), np.full(arguments.stars, POINTS))
        for width, sizes in WIDTHS.items():
            for task in (training, embedding):
                # The summary objective needs targets, and its head costs nothing beside the encoder.
                config = {"window": POINTS, "summary_weight": 0.0, **sizes}
                runs = [task(EncoderConfig(architecture=name, **config), records) for name in ("v2", "v3")]
                rates = np.array([[run(epoch) for run in runs] for epoch in range(arguments.repeats + 1)])[1:]
                old, new = np.median(rates, axis=0)
                ratio = np.median(rates[:, 1] / rates[:, 0])
                hours = f", {1e6 / new / 3600:.1f} h for a million stars" if task is embedding else ""
                print(
                    f"{width}, {task.__name__}: v2 {old:.0f}, v3 {new:.0f} windows/s, {ratio:.2f} x v2{hours}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
