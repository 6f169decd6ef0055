"""Scores of classifiers: per window as published, and per object; mean and spread over folds.

Two levels are scored. `window`: each window counts once, as in the published tables (long objects have more weight).
`object`: the probabilities of an object's windows are averaged first, so each object counts once.
"""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import numpy as np
import polars as pl
from sklearn.metrics import accuracy_score, confusion_matrix, precision_recall_fscore_support

from astromer.errors import InputError
from astromer.evaluation.calibration import calibration_error, fit_temperature, scale_temperature
from astromer.evaluation.conformal import score_sets
from astromer.evaluation.predictions import check_predictions, pool_objects, probabilities_of

LEVELS = ("window", "object")
METRICS_SCHEMA = {
    "run": pl.String,
    "encoder": pl.String,
    "state": pl.String,
    "dataset": pl.String,
    "fold": pl.Int64,
    "spc": pl.Int64,
    "seed": pl.Int64,
    "model": pl.String,
    "kind": pl.String,
    "level": pl.String,
    "metric": pl.String,
    "class": pl.String,
    "value": pl.Float64,
    "count": pl.Int64,
    "data": pl.String,
}
CALIBRATING = {"validation", "held_out"}  # subsets to calibrate on; a classifier has one of them, or none
SCORE_SCHEMA = {name: METRICS_SCHEMA[name] for name in ("level", "metric", "class", "value", "count")}
KINDS = ("head", "probe", "fused", "baseline", "classical", "control")
WITHOUT_ENCODER = ("baseline", "classical", "control")
STATES = ("frozen", "finetuned", "wrong_period")
SOURCES = ("real", "simulated")


def score_predictions(predictions: pl.DataFrame, classes: Sequence[str]) -> pl.DataFrame:
    """Score a predictions table at both levels.

    Every class of the list counts in the macro averages: a class that is never predicted, or that has no object in the
    table, scores 0 there (`count` shows which of the two it is).

    Returns:
        Tidy long table: `level` (window or object), `metric` (f1, precision, recall, accuracy, and ece, the expected
        calibration error), `class` (null for macro averages, accuracy and ece), `value`, `count` (windows or objects;
        of the class, or all if `class` is null).

    Raises:
        InputError: the table is not a valid one (see `check_predictions`).
    """
    check_predictions(predictions, classes)
    rows: list[tuple[str, str, str | None, float, int]] = []
    for level in LEVELS:
        true, probabilities = _at_level(predictions, level)
        predicted = probabilities.argmax(axis=1)
        precision, recall, f1, support = precision_recall_fscore_support(
            true, predicted, labels=range(len(classes)), zero_division=0
        )
        for metric, values in {"f1": f1, "precision": precision, "recall": recall}.items():
            rows.append((level, metric, None, values.mean(), len(true)))
            rows.extend((level, metric, *row) for row in zip(classes, values, support, strict=True))
        rows.append((level, "accuracy", None, accuracy_score(true, predicted), len(true)))
        rows.append((level, "ece", None, calibration_error(probabilities, true), len(true)))
    return pl.DataFrame(rows, schema=SCORE_SCHEMA, orient="row")


def score_classifier(
    predictions: Mapping[str, pl.DataFrame],
    classes: Sequence[str],
    *,
    temperature: bool = False,
    coverage: float | None = None,
) -> pl.DataFrame:
    """Score the test objects of a classifier, and calibration on those that it did not learn from, if there are any.

    Args:
        predictions: tables by subset: `test`, and perhaps `validation`, or `held_out` training objects.
        classes: the dataset's ordered class list.
        temperature: see `score_calibration`.
        coverage: see `score_calibration`.
    """
    scores = score_predictions(predictions["test"], classes)
    for subset in CALIBRATING & predictions.keys():
        options = {"temperature": temperature, "coverage": coverage}
        scores = pl.concat([scores, score_calibration(predictions[subset], predictions["test"], classes, **options)])
    return scores


def score_calibration(
    calibrating: pl.DataFrame,
    test: pl.DataFrame,
    classes: Sequence[str],
    *,
    temperature: bool = False,
    coverage: float | None = None,
) -> pl.DataFrame:
    """Score what calibration on other objects does to the probabilities of the test objects.

    Args:
        calibrating: predictions table of objects that the classifier did not learn from.
        test: predictions table of the test objects.
        classes: the dataset's ordered class list.
        temperature: fit a temperature, and score the probabilities that it scales.
        coverage: fraction of objects whose prediction set should contain their class; None for no sets.

    Returns:
        Rows of `score_predictions` at the level `object`: `temperature` and `ece_scaled`, and `coverage` and `set_size`
        (see `astromer.evaluation.conformal.score_sets`), as asked.
    """
    values: dict[str, float] = {}
    if temperature:
        values["temperature"] = fit_temperature(calibrating, classes)
        scaled = pool_objects(scale_temperature(test, values["temperature"]))
        values["ece_scaled"] = calibration_error(probabilities_of(scaled), scaled["label"].to_numpy())
    if coverage is not None:
        values |= score_sets(calibrating, test, coverage)
    rows = [("object", metric, None, value, test["id"].n_unique()) for metric, value in values.items()]
    return pl.DataFrame(rows, schema=SCORE_SCHEMA, orient="row")


def confusion(predictions: pl.DataFrame, classes: Sequence[str], level: str = "object") -> np.ndarray:
    """Return the confusion matrix of a predictions table, each row divided by its sum.

    Returns:
        `(number of classes, number of classes)`, true class by predicted class; NaN in the row of a class that has no
        object in the table.

    Raises:
        InputError: the table is not a valid one (see `check_predictions`), or the level is unknown.
    """
    check_predictions(predictions, classes)
    true, probabilities = _at_level(predictions, level)
    counts = confusion_matrix(true, probabilities.argmax(axis=1), labels=range(len(classes)))
    totals = counts.sum(axis=1, keepdims=True)
    return np.divide(counts, totals, out=np.full(counts.shape, np.nan), where=totals > 0)


def confusion_summary(matrices: Mapping[int, np.ndarray], classes: Sequence[str]) -> pl.DataFrame:
    """Average confusion matrices over folds.

    Args:
        matrices: row-normalised matrices `(folds, classes, classes)` by number of samples per class.
        classes: the dataset's ordered class list.

    Returns:
        One row per cell: `spc`, `true`, `predicted`, `mean` and `std` (sample standard deviation, null for one fold) of
        the fraction of the true class, `folds`; mean and std are null where a fold has no object of the true class.
    """
    rows = []
    for spc, folds in sorted(matrices.items()):
        mean = folds.mean(axis=0)
        std = folds.std(axis=0, ddof=1) if len(folds) > 1 else np.full_like(mean, np.nan)
        for (true, predicted), value in np.ndenumerate(mean):
            rows.append((spc, classes[true], classes[predicted], value, std[true, predicted], len(folds)))
    columns = ["spc", "true", "predicted", "mean", "std", "folds"]
    return pl.DataFrame(rows, schema=columns, orient="row").with_columns(pl.col("mean", "std").fill_nan(None))


def tag_scores(
    scores: pl.DataFrame,
    *,
    run: str,
    encoder: str | None,
    state: str | None,
    dataset: str,
    fold: int,
    spc: int,
    seed: int = 0,
    model: str,
    kind: str,
    data: str,
) -> pl.DataFrame:
    """Convert the output of `score_predictions` to rows of the run's metrics table.

    Args:
        scores: output of `score_predictions`.
        run: name of the run.
        encoder: encoder under the classifier; None for a classifier without one.
        state: `frozen` (as it was pretrained), `finetuned`, or `wrong_period` (frozen, and shown phases of periods that
            are wrong by 1 %, a control); None without an encoder.
        dataset: name of the labelled dataset.
        fold: number of the fold.
        spc: samples per class.
        seed: number of the initialisation, from 0.
        model: name of the classifier.
        kind: `head` or `probe` (a classical model) on the encoder's vectors; `fused`, with features; without an
            encoder, `baseline` (a network), `classical` (features) or `control`.
        data: "real" or "simulated".

    Returns:
        A table with the columns and types of `METRICS_SCHEMA`.

    Raises:
        InputError: `kind`, `state` or `data` has an unknown value, or there is an encoder without a state, or a kind
            that needs an encoder without one.
    """
    known = kind in KINDS and data in SOURCES and state in (None, *STATES)
    if not known or {encoder is None, state is None} != {kind in WITHOUT_ENCODER}:
        raise InputError(
            f"{dataset}/{model}: expected kind in {KINDS}, data in {SOURCES}, and encoder and state in {STATES} except "
            f"for {WITHOUT_ENCODER}; found kind={kind!r}, data={data!r}, encoder={encoder!r}, state={state!r}"
        )
    tags = {"run": run, "encoder": encoder, "state": state, "dataset": dataset, "fold": fold, "spc": spc}
    tags |= {"seed": seed, "model": model, "kind": kind}
    columns = [pl.lit(value, dtype=METRICS_SCHEMA[name]).alias(name) for name, value in {**tags, "data": data}.items()]
    return scores.with_columns(columns).select(METRICS_SCHEMA.keys())


def read_metrics(path: Path) -> pl.DataFrame:
    """Read the run's metrics table (CSV).

    Raises:
        InputError: the columns are not those of `METRICS_SCHEMA`.
    """
    header = pl.read_csv(path, n_rows=0, glob=False).columns
    if header != list(METRICS_SCHEMA):
        raise InputError(f"{path}: expected the columns {list(METRICS_SCHEMA)}, found {header}")
    return pl.read_csv(path, schema=METRICS_SCHEMA, glob=False)


def summarise(metrics: pl.DataFrame, folds: Mapping[str, Collection[int]]) -> pl.DataFrame:
    """Average the run's metrics over folds and seeds.

    Args:
        metrics: rows with the columns of `METRICS_SCHEMA`.
        folds: the folds that every model of a dataset must have, by dataset.

    Returns:
        One row per run, data, dataset, spc, kind, encoder, state, model, level, metric and class, with `mean`, `std`
        (sample standard deviation, ddof=1, over folds of their means over seeds; null for a single fold), `std_seeds`
        (the same over the seeds of a fold, root mean square over folds; null for a single seed), `folds` and `seeds`
        (their numbers), `count_min` and `count_max` (windows or objects of the folds).

    Raises:
        InputError: a fold or seed is missing, unexpected or repeated, a dataset has no expected folds or no rows, or a
            value is not a finite number.
    """
    found = set(metrics["dataset"].unique())
    if found != set(folds):
        raise InputError(f"metrics: expected the datasets {sorted(folds)}, found {sorted(found)}")
    broken = metrics.filter(~pl.col("value").is_finite().fill_null(False))
    if not broken.is_empty():
        raise InputError(f"metrics: expected finite values, found {broken.row(0, named=True)}")
    keys = ["run", "data", "dataset", "spc", "kind", "encoder", "state", "model", "level", "metric", "class"]
    of_folds = metrics.sort("fold", "seed").group_by(*keys, "fold", maintain_order=True)
    values = of_folds.agg(
        pl.col("value").mean(),
        pl.col("value").var(ddof=1).alias("variance"),
        pl.col("seed"),
        pl.col("count").min().alias("count_min"),
        pl.col("count").max().alias("count_max"),
    )
    summary = values.group_by(keys, maintain_order=True).agg(
        pl.col("value").mean().alias("mean"),
        pl.col("value").std(ddof=1).alias("std"),
        pl.col("variance").mean().sqrt().alias("std_seeds"),
        pl.len().cast(pl.Int64).alias("folds"),
        pl.col("seed").first().list.len().cast(pl.Int64).alias("seeds"),
        pl.col("count_min").min(),
        pl.col("count_max").max(),
        pl.col("fold").alias("found"),
        pl.col("seed").alias("found_seeds"),
    )
    for row in summary.iter_rows(named=True):
        name = f"{row['dataset']}, {row['spc']} samples per class, {row['encoder'] or row['kind']}, {row['model']}"
        name = f"metrics of {name} ({row['metric']})"
        expected = sorted(folds[row["dataset"]])
        if row["found"] != expected:
            raise InputError(f"{name}: expected the folds {expected}, found {row['found']}")
        if any(seeds != list(range(row["seeds"])) for seeds in row["found_seeds"]):
            raise InputError(f"{name}: expected the same seeds in all folds, found {row['found_seeds']}")
    return summary.drop("found", "found_seeds").sort(keys, nulls_last=False)


def _at_level(predictions: pl.DataFrame, level: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the true class and the probabilities of each window or object."""
    if level not in LEVELS:
        raise InputError(f"level: expected one of {LEVELS}, found {level!r}")
    table = predictions if level == "window" else pool_objects(predictions)
    return table["label"].to_numpy(), probabilities_of(table)
