"""What bounds the reconstruction of hidden points: fits of a periodic curve to the visible ones, with the right period.

    PYTHONPATH=. .venv/bin/python benchmarks/bench_bounds.py results/mini asas

Reads the observations of a finished run. Of up to 200 stars of each class that pretraining does not learn from, a
window of 200 points is drawn and half of it hidden. A Fourier series of 6 harmonics of twice the period, with a penalty
on steep ones, is fitted to the visible points. Prints for each class the root of the summed squared errors at hidden
points over that of the mean of the visible ones: with the period of all the star's observations, which no encoder is
given; with that of the visible points; and for errors as large as the stated uncertainties.
"""

import argparse
from pathlib import Path

import numpy as np
import polars as pl

from astromer.data.periods import find_periods_of

WINDOW, STARS, HARMONICS, PENALTY = 200, 200, 6, 0.3


def harmonics(times: np.ndarray, period: float) -> np.ndarray:
    """Return the constant and the harmonics of twice the period at these times, `(points, 2 * HARMONICS + 1)`."""
    angles = np.pi * np.arange(1, HARMONICS + 1) * times[:, None] / period
    return np.concatenate([np.ones((len(times), 1)), np.cos(angles), np.sin(angles)], axis=1)


def predict(times: np.ndarray, magnitudes: np.ndarray, at: np.ndarray, period: float) -> np.ndarray:
    """Fit a penalised Fourier series and return it at other times; the mean, where there is no period."""
    mean = magnitudes.mean()
    if period == 0:
        return np.full(len(at), mean)
    origin, order = times.mean(), np.arange(1, HARMONICS + 1)
    shapes = harmonics(times - origin, period)
    steepness = np.diag(np.concatenate([[0.0], *2 * [PENALTY * (1 + order / 2) ** 2]]))
    coefficients = np.linalg.solve(shapes.T @ shapes + steepness, shapes.T @ (magnitudes - mean))
    return mean + harmonics(at - origin, period) @ coefficients


def squares(stars: pl.DataFrame, rng: np.random.Generator) -> np.ndarray:
    """Return the summed squares of each star, `(stars, 4)`: of the two fits, the uncertainties, and the mean."""
    windows = []
    for columns in stars.select("mjd", "mag", "err_mag").iter_rows():
        mjd, mag, err_mag = (np.asarray(column, np.float64) for column in columns)
        start = rng.integers(max(len(mjd) - WINDOW, 0) + 1)
        part = slice(start, start + WINDOW)
        windows.append((mjd[part], mag[part], err_mag[part], rng.random(len(mjd[part])) < 0.5))
    whole = find_periods_of(list(stars.select("mjd", "mag").iter_rows()))[:, 0]
    visible = find_periods_of([(mjd[shown], mag[shown]) for mjd, mag, _, shown in windows])[:, 0]
    found = []
    for (mjd, mag, err_mag, shown), *periods in zip(windows, whole, visible, strict=True):
        if shown.sum() < 5 or (~shown).sum() < 3:
            continue
        errors = [predict(mjd[shown], mag[shown], mjd[~shown], period) - mag[~shown] for period in periods]
        errors += [err_mag[~shown], mag[shown].mean() - mag[~shown]]
        found.append([(error**2).sum() for error in errors])
    return np.array(found)


def main() -> None:
    """Print one line per class."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("survey")
    chosen = parser.parse_args()
    folder = chosen.run / "parquet" / chosen.survey
    sets = pl.read_parquet(chosen.run / "splits/pretraining.parquet")
    held_out = sets.filter(pl.col("survey") == chosen.survey, pl.col("subset") != "train")["id"]
    stars = pl.read_parquet(folder / "metadata.parquet").select("id", pl.col("class").cast(pl.String))
    stars = stars.filter(pl.col("id").is_in(held_out.implode())).sort("id").group_by("class").head(STARS)
    shards = pl.scan_parquet(sorted((folder / "observations").glob("*.parquet")))
    curves = shards.join(stars.lazy(), on="id").sort("id", "mjd").group_by("id", "class", maintain_order=True)
    table = curves.agg("mjd", "mag", "err_mag").collect()
    rng = np.random.default_rng(0)
    print(f"{'class':8} {'stars':>6} {'right period':>13} {'of visible':>11} {'uncertainty':>12}")
    for (name,), part in table.sort("class").group_by("class", maintain_order=True):
        sums = squares(part, rng)
        ratios = np.sqrt(sums[:, :3].sum(axis=0) / sums[:, 3].sum())
        print(f"{name:8} {len(sums):6} {ratios[0]:13.2f} {ratios[1]:11.2f} {ratios[2]:12.2f}")


if __name__ == "__main__":
    main()
