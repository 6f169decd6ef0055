"""Cost of periods: of the shown half of windows of 200 points, and of whole light curves of 500 points.

python benchmarks/bench_periods.py [--windows 512]
"""

import argparse
import time

import numpy as np

from astromer.data.periods import find_periods_of

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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--windows", type=int, default=512, help="windows, and an eighth as many light curves")
    count = parser.parse_args().windows
    for kind, number in (("windows", count), ("light curves", count // 8)):
        data = curves(kind, number)
        started = time.process_time()
        for first in range(0, number, 32):
            find_periods_of(data[first : first + 32])
        print(f"{kind}: {1e3 * (time.process_time() - started) / number:.2f} ms of CPU each")


if __name__ == "__main__":
    main()
