"""Time of `astromer.encode` and of a classifier on light curves in memory.

    PYTHONPATH=. python benchmarks/bench_encode.py [STARS] [POINTS]

Prints the time of one star at a time, the rate of a list and of a table of the same stars relative to each other and to
that of the encoder alone (with the search for periods, where it reads them), and the time from labelled stars to the
probabilities of all others. Each by the clock and in CPU time, which other jobs on the machine change less.
"""

import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import tensorflow as tf

import astromer
from astromer.api.encoding import curve_batches, encoder_and_window
from astromer.api.light_curves import read_curves
from astromer.data.curves import cut_light_curves
from astromer.data.periods import find_periods_of
from astromer.models.encoders import model_inputs
from astromer.models.pooling import masked_mean
from astromer.training.steps import input_specs

ONE_BY_ONE, LABELLED = 20, 500


def main(stars: str = "10000", points: str = "100") -> None:
    """Make stars and time what is done with them."""
    curves = light_curves(int(stars), int(points))
    seconds("the first star (loads and compiles)", lambda: astromer.encode(curves[:1]))
    one = seconds(
        f"{ONE_BY_ONE} stars, one by one", lambda: [astromer.encode([curve]) for curve in curves[:ONE_BY_ONE]]
    )
    print(f"  {1000 * one[0] / ONE_BY_ONE:.1f} ms per star, {1000 * one[1] / ONE_BY_ONE:.1f} ms of CPU")
    table = as_frame(curves, "star")
    of_list = seconds("a list of arrays", lambda: astromer.encode(curves))
    of_table = seconds("the same as a DataFrame", lambda: astromer.encode(table))
    print(f"  list / table {of_list[0] / of_table[0]:.2f}, in CPU time {of_list[1] / of_table[1]:.2f}")
    alone = seconds("the encoder and the periods alone", of_encoder(curves))
    print(f"  encode / alone {of_table[0] / alone[0]:.2f}, in CPU time {of_table[1] / alone[1]:.2f}")
    labelled = as_frame(light_curves(LABELLED, int(points)), "labelled")
    labels = {name: "ABCDE"[place % 5] for place, name in enumerate(labelled["id"].unique())}
    seconds(
        f"{LABELLED} labelled stars to probabilities of {len(curves)} others",
        lambda: astromer.fit_classifier(labelled, labels).predict_proba(table),
    )


def of_encoder(curves: list[np.ndarray]) -> Callable[[], None]:
    """Return what `astromer.encode` cannot do without: the encoder on windows that are ready, and their periods."""
    pretrained = astromer.load_pretrained("astromer-mini")
    encoder, window = encoder_and_window(pretrained)
    read = read_curves(curves)
    cuts, points = cut_light_curves(read.lengths, window)
    batches = curve_batches(encoder, read, cuts, points, window=window, batch_size=256)
    ready = [model_inputs(encoder, batch) for _, batch in batches]
    pairs = [(curve[:, 0], curve[:, 1]) for curve in curves]

    @tf.function(input_signature=[input_specs(encoder)])
    def means(inputs):
        return masked_mean(encoder(inputs, training=False)[-1], inputs["valid"])

    means(ready[0])

    def run() -> None:
        find_periods_of(pairs)
        for inputs in ready:
            means(inputs).numpy()

    return run


def seconds(what: str, run: Callable[[], Any]) -> tuple[float, float]:
    """Print and return how long a call takes, by the clock and in CPU time."""
    clock, processor = time.perf_counter(), time.process_time()
    run()
    taken, used = time.perf_counter() - clock, time.process_time() - processor
    print(f"{what}: {taken:.2f} s, {used:.2f} s of CPU", flush=True)
    return taken, used


def light_curves(stars: int, points: int) -> list[np.ndarray]:
    """Return sinusoids of many periods with noise, at random times within 1000 days."""
    rng = np.random.default_rng(0)
    times = np.sort(rng.uniform(5.0e4, 5.1e4, (stars, points)))
    periods = 10 ** rng.uniform(-0.7, 2, (stars, 1))
    magnitudes = 15 + 0.3 * np.sin(2 * np.pi * times / periods) + rng.normal(0, 0.03, times.shape)
    return list(np.stack([times, magnitudes], axis=2))


def as_frame(curves: list[np.ndarray], prefix: str) -> pd.DataFrame:
    """Return one row per observation: `id`, `mjd`, `mag`."""
    values = np.concatenate(curves)
    ids = np.repeat([f"{prefix} {number}" for number in range(len(curves))], [len(curve) for curve in curves])
    return pd.DataFrame({"id": ids, "mjd": values[:, 0], "mag": values[:, 1]})


if __name__ == "__main__":
    main(*sys.argv[1:])
