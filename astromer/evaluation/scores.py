"""Scores of classifiers: per window as published, and per object; mean and spread over folds.

A predictions table has one row per window: `id` (string), `window` (u32, index of the window's first observation in its
object), `label` (i32, position of the true class in the dataset's ordered class list) and one f32 column `p_<class>`
per class, in that order. The column names encode the class order, so a file cannot be read with a different one.

Two levels are scored. `window`: each window counts once, as in the published tables (long objects have more weight).
`object`: the probabilities of an object's windows are averaged first, so each object counts once.
"""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import numpy as np
import polars as pl
from sklearn.metrics import accuracy_score, confusion_matrix, precision_recall_fscore_support

from astromer.errors import InputError

LEVELS = ("window", "object")
METRICS_SCHEMA = {
    "run": pl.String,
    "encoder": pl.String,
    "dataset": pl.String,
    "fold": pl.Int64,
    "spc": pl.Int64,
    "model": pl.String,
    "kind": pl.String,
    "level": pl.String,
    "metric": pl.String,
    "class": pl.String,
    "value": pl.Float64,
    "count": pl.Int64,
    "data": pl.String,
}
KINDS = ("head", "baseline")
SOURCES = ("real", "simulated")


def predictions_table(
    ids: Sequence[str] | pl.Series,
    windows: np.ndarray | pl.Series,
    labels: np.ndarray | pl.Series,
    probabilities: np.ndarray,
    classes: Sequence[str],
) -> pl.DataFrame:
    """Build a predictions table.

    Args:
        ids: id of each window's object, length n.
        windows: index of each window's first observation in its object, `(n,)`.
        labels: position of each true class in `classes`, `(n,)`.
        probabilities: `(n, number of classes)`.
        classes: the dataset's ordered class list.

    Raises:
        InputError: the shapes disagree, or the table is not a valid one (see `check_predictions`).
    """
    probabilities = np.asarray(probabilities, dtype=np.float32)
    if probabilities.shape != (len(ids), len(classes)):
        raise InputError(f"probabilities: expected shape {(len(ids), len(classes))}, found {probabilities.shape}")
    table = pl.DataFrame(
        {
            "id": pl.Series(ids, dtype=pl.String),
            "window": pl.Series(windows, dtype=pl.UInt32),
            "label": pl.Series(labels, dtype=pl.Int32),
            **{f"p_{name}": probabilities[:, column] for column, name in enumerate(classes)},
        }
    )
    check_predictions(table, classes)
    return table


def read_predictions(path: Path, classes: Sequence[str]) -> pl.DataFrame:
    """Read and check a predictions table (Parquet).

    Raises:
        InputError: the file holds no valid predictions for `classes`; the message names the file.
    """
    table = pl.read_parquet(path, glob=False)
    try:
        check_predictions(table, classes)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    return table


def check_predictions(predictions: pl.DataFrame, classes: Sequence[str]) -> None:
    """Check that every row of a table can be scored with the ordered list `classes`.

    Raises:
        InputError: columns or class order differ, the table is empty, a label is outside the list, a probability is not
            a finite number, a window occurs twice, or an object has two labels.
    """
    expected = ["id", "window", "label", *(f"p_{name}" for name in classes)]
    if predictions.columns != expected:
        raise InputError(f"predictions: expected the columns {expected}, found {predictions.columns}")
    if predictions.is_empty():
        raise InputError("predictions: the table has no rows")
    if predictions.select(pl.any_horizontal(pl.all().is_null().any())).item():
        raise InputError("predictions: expected no empty cells")
    foreign = predictions.filter(~pl.col("label").is_between(0, len(classes) - 1))
    if not foreign.is_empty():
        identifier, label = foreign.select("id", "label").row(0)
        raise InputError(f"predictions: object {identifier} has label {label}, expected 0 to {len(classes) - 1}")
    if not np.isfinite(_probabilities(predictions)).all():
        raise InputError("predictions: expected finite probabilities")
    if predictions.select(pl.struct("id", "window").is_duplicated().any()).item():
        raise InputError("predictions: expected each window of an object once")
    two_labels = predictions.group_by("id").agg(pl.col("label").n_unique()).filter(pl.col("label") > 1)
    if not two_labels.is_empty():
        raise InputError(f"predictions: object {two_labels['id'].min()} has more than one label")


def pool_objects(predictions: pl.DataFrame) -> pl.DataFrame:
    """Average the probabilities of each object's windows; one row per object, sorted by id, without `window`.

    Windows are summed in their order in time, so the result does not depend on the order of the rows.
    """
    ordered = predictions.sort("id", "window")
    first = ordered.select(pl.col("id").rle_id().is_first_distinct().arg_true()).to_series().to_numpy()
    windows_per_object = np.diff(np.append(first, len(ordered)))
    means = np.add.reduceat(_probabilities(ordered), first, axis=0) / windows_per_object[:, None]
    columns = {name: means[:, column] for column, name in enumerate(ordered.columns[3:])}
    return ordered[first].select("id", "label").with_columns(**columns)


def score_predictions(predictions: pl.DataFrame, classes: Sequence[str]) -> pl.DataFrame:
    """Score a predictions table at both levels.

    Every class of the list counts in the macro averages: a class that is never predicted, or that has no object in the
    table, scores 0 there (`count` shows which of the two it is).

    Returns:
        Tidy long table: `level` (window or object), `metric` (f1, precision, recall, accuracy), `class` (null for macro
        averages and accuracy), `value`, `count` (windows or objects; of the class, or all if `class` is null).

    Raises:
        InputError: the table is not a valid one (see `check_predictions`).
    """
    check_predictions(predictions, classes)
    rows: list[tuple[str, str, str | None, float, int]] = []
    for level in LEVELS:
        true, predicted = _decide(predictions, level)
        precision, recall, f1, support = precision_recall_fscore_support(
            true, predicted, labels=range(len(classes)), zero_division=0
        )
        for metric, values in {"f1": f1, "precision": precision, "recall": recall}.items():
            rows.append((level, metric, None, values.mean(), len(true)))
            rows.extend((level, metric, *row) for row in zip(classes, values, support, strict=True))
        rows.append((level, "accuracy", None, accuracy_score(true, predicted), len(true)))
    columns = ("level", "metric", "class", "value", "count")
    return pl.DataFrame(rows, schema={name: METRICS_SCHEMA[name] for name in columns}, orient="row")


def confusion(predictions: pl.DataFrame, classes: Sequence[str], level: str = "object") -> np.ndarray:
    """Return the confusion matrix of a predictions table, each row divided by its sum.

    Returns:
        `(number of classes, number of classes)`, true class by predicted class; NaN in the row of a class that has no
        object in the table.

    Raises:
        InputError: the table is not a valid one (see `check_predictions`), or the level is unknown.
    """
    check_predictions(predictions, classes)
    counts = confusion_matrix(*_decide(predictions, level), labels=range(len(classes)))
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
    dataset: str,
    fold: int,
    spc: int,
    model: str,
    kind: str,
    data: str,
) -> pl.DataFrame:
    """Convert the output of `score_predictions` to rows of the run's metrics table.

    Args:
        scores: output of `score_predictions`.
        run: name of the run.
        encoder: encoder under the head; None for a baseline.
        dataset: name of the labelled dataset.
        fold: number of the fold.
        spc: samples per class.
        model: name of the head or of the baseline.
        kind: "head" or "baseline".
        data: "real" or "simulated".

    Returns:
        A table with the columns and types of `METRICS_SCHEMA`.

    Raises:
        InputError: `kind` or `data` has an unknown value, a head has no encoder, or a baseline has one.
    """
    if kind not in KINDS or data not in SOURCES or (encoder is None) != (kind == "baseline"):
        raise InputError(
            f"{dataset}/{model}: expected kind in {KINDS}, data in {SOURCES} and an encoder for a head only, "
            f"found kind={kind!r}, data={data!r}, encoder={encoder!r}"
        )
    tags = {"run": run, "encoder": encoder, "dataset": dataset, "fold": fold, "spc": spc, "model": model, "kind": kind}
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
    """Average the run's metrics over folds.

    Args:
        metrics: rows with the columns of `METRICS_SCHEMA`.
        folds: the folds that every model of a dataset must have, by dataset.

    Returns:
        One row per run, data, dataset, spc, kind, encoder, model, level, metric and class, with `mean`, `std` (sample
        standard deviation, ddof=1; null for a single fold), `folds` (their number), `count_min` and `count_max`
        (windows or objects of the folds).

    Raises:
        InputError: a fold is missing, unexpected or repeated, a dataset has no expected folds or no rows, or a value is
            not a finite number.
    """
    found = set(metrics["dataset"].unique())
    if found != set(folds):
        raise InputError(f"metrics: expected the datasets {sorted(folds)}, found {sorted(found)}")
    broken = metrics.filter(~pl.col("value").is_finite().fill_null(False))
    if not broken.is_empty():
        raise InputError(f"metrics: expected finite values, found {broken.row(0, named=True)}")
    keys = ["run", "data", "dataset", "spc", "kind", "encoder", "model", "level", "metric", "class"]
    groups = metrics.sort("fold").group_by(keys, maintain_order=True)
    summary = groups.agg(
        pl.col("value").mean().alias("mean"),
        pl.col("value").std(ddof=1).alias("std"),
        pl.len().cast(pl.Int64).alias("folds"),
        pl.col("count").min().alias("count_min"),
        pl.col("count").max().alias("count_max"),
        pl.col("fold").alias("found"),
    ).sort(keys, nulls_last=False)
    for row in summary.iter_rows(named=True):
        expected = sorted(folds[row["dataset"]])
        if row["found"] != expected:
            name = f"{row['dataset']}, {row['spc']} samples per class, {row['encoder'] or row['kind']}, {row['model']}"
            raise InputError(
                f"metrics of {name} ({row['metric']}): expected the folds {expected}, found {row['found']}"
            )
    return summary.drop("found")


def _probabilities(predictions: pl.DataFrame) -> np.ndarray:
    """Return the columns `p_<class>` as an array `(rows, number of classes)`, float64."""
    return predictions.select(pl.col("^p_.*$").cast(pl.Float64)).to_numpy()


def _decide(predictions: pl.DataFrame, level: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the true and the most probable class (the first one if several are equal) of each window or object."""
    if level not in LEVELS:
        raise InputError(f"level: expected one of {LEVELS}, found {level!r}")
    table = predictions if level == "window" else pool_objects(predictions)
    return table["label"].to_numpy(), _probabilities(table).argmax(axis=1)
