"""Compare encoders on tuning stars: those on which no dataset of their runs tests, and which they have not seen.

    PYTHONPATH=. .venv/bin/python benchmarks/bench_tuning.py results/mini/pretrain/astromer-mini [more encoders]

An encoder is a folder of a finished run. Tuning stars are the stars of all surveys of its run that are neither test
stars of a dataset nor in the training or validation set of pretraining; with several encoders, those of all their runs.
Of each class with at least 20 of them, SPC stars (at most half) are for learning and at most 100 others for the test,
drawn 10 times alike for all encoders. Prints the macro F1 per star of forest and logistic regression, mean and sample
standard deviation over the draws, beside that of the features where a run has them; "ratio" is the better of the two
scores to that of the features.
"""

import argparse
import json
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")

import numpy as np
import polars as pl

from astromer.evaluation.classical import fit_classical
from astromer.evaluation.scores import score_predictions
from astromer.stages.embeddings import embed_survey

SPCS, DRAWS, SMALLEST_CLASS, MOST_TESTED = (20, 100), 10, 20, 100


def tuning_stars(runs: Sequence[Path], survey: str) -> pl.DataFrame:
    """Return `id`, `class` and `label` of the stars of a survey that are for tuning in every run."""
    stars = pl.read_parquet(runs[0] / f"parquet/{survey}/metadata.parquet").select("id", pl.col("class").cast(str))
    for run in runs:
        tests = [
            pl.read_parquet(run / f"splits/{name}.parquet").filter(subset="test")["id"]
            for name, dataset in json.loads((run / "config.json").read_text())["datasets"].items()
            if dataset["survey"] == survey
        ]
        seen = pl.read_parquet(run / "splits/pretraining.parquet").filter(
            pl.col("survey") == survey, pl.col("subset") != "test"
        )["id"]
        for ids in (*tests, seen):
            stars = stars.filter(~pl.col("id").is_in(ids.implode()))
    stars = stars.filter(pl.col("class").is_not_null(), pl.len().over("class") >= SMALLEST_CLASS).sort("id")
    return stars.with_columns(label=pl.col("class").rank("dense").cast(pl.Int32) - 1)


def vectors_of(model: Path, observations: pl.DataFrame, window: int) -> pl.DataFrame:
    """Embed stars."""
    with tempfile.TemporaryDirectory() as folder:
        stars, vectors = Path(folder, "stars.parquet"), Path(folder, "vectors.parquet")
        observations.write_parquet(stars)
        embed_survey(model / "model.weights.h5", stars, vectors, window=window)
        return pl.read_parquet(vectors).select("id", "vector")


def draw(stars: pl.DataFrame, spc: int, seed: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Draw the stars to learn from and those to test on."""
    drawn = stars.sample(fraction=1.0, shuffle=True, seed=seed)
    rank, size = pl.int_range(pl.len()).over("class"), pl.len().over("class")
    learned = pl.min_horizontal(pl.lit(spc), size // 2)
    return drawn.filter(rank < learned), drawn.filter(rank >= learned, rank < learned + MOST_TESTED)


def scores(vectors: pl.DataFrame, stars: pl.DataFrame, spc: int, classifier: str) -> list[float]:
    """Return the macro F1 of each draw."""
    found = []
    classes = stars["class"].unique().sort().to_list()
    for seed in range(DRAWS):
        parts = [part.select("id", "label").join(vectors, on="id", how="left") for part in draw(stars, spc, seed)]
        predictions = fit_classical(classifier, *parts, classes, seed=seed).predictions
        figures = score_predictions(predictions, classes).filter(pl.col("class").is_null(), level="object", metric="f1")
        found.append(figures["value"].item())
    return found


def main() -> None:
    """Print one line per encoder, survey and SPC."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("encoders", type=Path, nargs="+")
    encoders = parser.parse_args().encoders
    runs = list(dict.fromkeys(encoder.parents[1] for encoder in encoders))
    window = json.loads((runs[0] / "config.json").read_text())["window"]
    print(f"{'survey':10} {'encoder':32} {'SPC':>4} {'forest':>14} {'logistic':>14} {'ratio':>6}")
    for survey in sorted(path.name for path in (runs[0] / "parquet").iterdir()):
        stars = tuning_stars(runs, survey)
        shards = sorted((runs[0] / f"parquet/{survey}/observations").glob("*.parquet"))
        observations = pl.scan_parquet(shards).join(stars.lazy().select("id"), on="id").sort("id", "mjd").collect()
        counts = stars.group_by("class").len().sort("class")
        print(f"{survey}: {len(stars)} tuning stars,", ", ".join(f"{n} {name}" for name, n in counts.iter_rows()))
        found = [sorted((run / f"features/{survey}").glob("*.parquet")) for run in runs]
        features = [pl.read_parquet(path) for path in max(found, key=len)]
        tables = {"features": pl.concat(features)} if features else {}
        tables |= {f"{e.parents[1].name}/{e.name}": vectors_of(e, observations, window) for e in encoders}
        for spc in SPCS:
            best = None
            for name, vectors in tables.items():
                values = np.array([scores(vectors, stars, spc, classifier) for classifier in ("forest", "logistic")])
                means, deviations = values.mean(axis=1), values.std(axis=1, ddof=1)
                best = best or means.max()
                forest, logistic = (f"{m:.3f} +- {s:.3f}" for m, s in zip(means, deviations, strict=True))
                ratio = means.max() / best
                print(f"{survey:10} {name:32} {spc:4} {forest:>14} {logistic:>14} {ratio:6.3f}", flush=True)


if __name__ == "__main__":
    main()
