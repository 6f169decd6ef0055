"""Time of `astromer.encode` and of a classifier on light curves in memory.

    python benchmarks/bench_encode.py [STARS] [POINTS]

Prints the time of one star at a time, the rate of a list and of a table of the same stars relative to each other, and
the time from labelled stars to the probabilities of all others.
"""

import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

import astromer

ONE_BY_ONE, LABELLED = 20, 500


def main(stars: str = "10000", points: str = "100") -> None:
    """Make stars and time what is done with them."""
    curves = light_curves(int(stars), int(points))
    seconds("the first star (loads and compiles)", lambda: astromer.encode(curves[:1]))
    one = seconds(
        f"{ONE_BY_ONE} stars, one by one", lambda: [astromer.encode([curve]) for curve in curves[:ONE_BY_ONE]]
    )
    print(f"  {1000 * one / ONE_BY_ONE:.1f} ms per star")
    table = as_frame(curves, "star")
    of_list = seconds("a list of arrays", lambda: astromer.encode(curves))
    of_table = seconds("the same as a DataFrame", lambda: astromer.encode(table))
    print(f"  list / table {of_list / of_table:.2f}; {len(curves) / of_table:.0f} stars per second")
    labelled = as_frame(light_curves(LABELLED, int(points)), "labelled")
    labels = {name: "ABCDE"[place % 5] for place, name in enumerate(labelled["id"].unique())}
    seconds(
        f"{LABELLED} labelled stars to probabilities of {len(curves)} others",
        lambda: astromer.fit_classifier(labelled, labels).predict_proba(table),
    )


def seconds(what: str, run: Callable[[], Any]) -> float:
    """Print and return how long a call takes."""
    start = time.perf_counter()
    run()
    taken = time.perf_counter() - start
    print(f"{what}: {taken:.2f} s")
    return taken


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
