"""CPU time of periods, and its ratio to that of the package light-curve on a grid of the same frequencies.

Of the shown half of windows of 200 points, and of whole light curves of 500 points.

PYTHONPATH=. python benchmarks/bench_periods.py [--windows 512]
"""

import argparse
import time

import numpy as np
from light_curve import Periodogram

from astromer.data.periods import MAX_FREQUENCY, OVERSAMPLING, find_periods_of

SPANS_DAYS = {"windows": (300.0, 1500.0), "light curves": (2000.0, 3200.0)}
POINTS = {"windows": 100, "light curves": 500}


def curves(kind: str, count: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return times [days] and magnitudes of sinusoids with the sampling of ASAS."""
    rng = np.random.default_rng(0)
    made = []
    for span in rng.uniform(*SPANS_DAYS[kind], count):
        times = np.sort(rng.uniform(0, span, POINTS[kind]))
        period = 10 ** rng.uniform(-1, 2)
        made.append((times, 12 + np.sin(2 * np.pi * times / period) + rng.normal(0, 0.5, len(times))))
    return made


def highest_peak(times: np.ndarray, magnitudes: np.ndarray) -> float:
    """Return the frequency [cycles per day] of the highest peak of light-curve's fast periodogram."""
    wanted = OVERSAMPLING * np.ptp(times) * MAX_FREQUENCY
    frequencies = np.linspace(0.0, MAX_FREQUENCY, 2 ** int(np.ceil(np.log2(wanted))) + 1)
    periodogram = Periodogram(freqs=2 * np.pi * frequencies, fast=True, normalization="standard")
    _, power = periodogram.freq_power(times - times[0], magnitudes)
    return frequencies[1:][np.argmax(power[1:])]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--windows", type=int, default=512, help="windows, and an eighth as many light curves")
    count = parser.parse_args().windows
    for kind, number in (("windows", count), ("light curves", count // 8)):
        data = curves(kind, number)
        started = time.process_time()
        for first in range(0, number, 32):
            find_periods_of(data[first : first + 32])
        ours = time.process_time() - started
        started = time.process_time()
        for times, magnitudes in data:
            highest_peak(times, magnitudes)
        theirs = time.process_time() - started
        print(f"{kind}: {1e3 * ours / number:.2f} ms of CPU each, {ours / theirs:.2f} times that of light-curve")


if __name__ == "__main__":
    main()
