"""What a wrong period costs an encoder that reads periods: scores with each error of the period, beside the right one.

    PYTHONPATH=. .venv/bin/python benchmarks/bench_wrong_periods.py results/asas [--encoder astromer-mini]

Reads the records and splits of a finished run. For each dataset and SPC it prints the macro F1 per object of a logistic
regression, mean and sample standard deviation over the folds, in two cases: the periods of the test stars alone are
wrong, and those of all stars are. The ratio is that of the former to the score with right periods.
"""

import argparse
import json
import os
import tempfile
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")

import numpy as np
import polars as pl

from astromer.config.datasets import PROBE_ARRAYS
from astromer.data.phases import PERIOD_ERRORS
from astromer.evaluation.classical import fit_classical, object_vectors
from astromer.evaluation.scores import score_predictions
from astromer.splits.draw import sets_of
from astromer.stages.embed import embed_frozen


def vectors(run: Path, encoder: str, dataset: str, error: str, window: int) -> pl.DataFrame:
    """Return the vectors of all objects of a dataset, with an error of `PERIOD_ERRORS` in their periods."""
    with tempfile.TemporaryDirectory() as folder:
        embeddings = Path(folder, "embeddings.parquet")
        embed_frozen(
            run / f"pretrain/{encoder}/model.weights.h5",
            run / f"records/{dataset}/objects/objects.tfrecord",
            embeddings,
            window=window,
            arrays=PROBE_ARRAYS,
            whole_windows=False,
            period_error=error,
        )
        return object_vectors(pl.read_parquet(embeddings))


def macro_f1(
    learned: pl.DataFrame, tested: pl.DataFrame, sets: pl.DataFrame, spc: int, classes: list[str]
) -> list[float]:
    """Return the score in each fold of a logistic regression that learns from one table and is tested on another."""
    scores = []
    for fold in sets["fold"].unique().sort():
        parts = sets_of(learned, sets, fold=fold, spc=spc)
        test = sets_of(tested, sets, fold=fold, spc=spc)["test"]
        training = pl.concat([parts["train"], parts["validation"]])
        predictions = fit_classical("logistic", training, test, classes, seed=fold).predictions
        figures = score_predictions(predictions, classes).filter(pl.col("class").is_null(), level="object", metric="f1")
        scores.append(figures["value"].item())
    return scores


def main() -> None:
    """Print one line per dataset, SPC and error."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--encoder", default="astromer-mini")
    chosen = parser.parse_args()
    config = json.loads((chosen.run / "config.json").read_text())
    print(f"{'dataset':12} {'SPC':>4} {'error':8} {'test stars':>14} {'ratio':>6} {'all stars':>14}")
    for dataset, section in config["datasets"].items():
        sets = pl.read_parquet(chosen.run / f"splits/{dataset}.parquet")
        tables = {e: vectors(chosen.run, chosen.encoder, dataset, e, config["window"]) for e in PERIOD_ERRORS}
        for spc in section["spc"]:
            right = np.mean(macro_f1(tables["none"], tables["none"], sets, spc, section["classes"]))
            for error, table in tables.items():
                cases = [macro_f1(learned, table, sets, spc, section["classes"]) for learned in (tables["none"], table)]
                test, both = (f"{np.mean(case):.3f} +- {np.std(case, ddof=1):.3f}" for case in cases)
                print(f"{dataset:12} {spc:4} {error:8} {test:>14} {np.mean(cases[0]) / right:6.2f} {both:>14}")


if __name__ == "__main__":
    main()
