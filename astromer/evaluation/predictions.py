"""Tables of predictions: class probabilities per window, of one classifier or of all classifiers of a job.

A predictions table has one row per window: `id` (string), `window` (u32, index of the window's first observation in its
object), `label` (i32, position of the true class in the dataset's ordered class list) and one f32 column `p_<class>`
per class, in that order. The column names encode the class order, so a file cannot be read with a different one.

A file contains the tables of all classifiers of a job: the columns of `KEYS` precede the others.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl

from astromer.errors import InputError

KEYS = {"model": pl.String, "fold": pl.Int32, "spc": pl.Int32, "seed": pl.Int32, "subset": pl.String}
"""Columns that identify a classifier and a set of its predictions; `seed` counts the initialisations, from 0."""


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


def of_classifier(
    predictions: pl.DataFrame, *, model: str, fold: int, spc: int, seed: int = 0, subset: str = "test"
) -> pl.DataFrame:
    """Add the columns that identify a classifier in a file of several.

    `subset` is `validation`, `test`, or `held_out`: training objects, each predicted by a model fitted without it.
    """
    values = {"model": model, "fold": fold, "spc": spc, "seed": seed, "subset": subset}
    return predictions.select(*(pl.lit(values[name], dtype).alias(name) for name, dtype in KEYS.items()), pl.all())


def read_predictions(
    path: Path, classes: Sequence[str], *, model: str, fold: int, spc: int, seed: int = 0, subset: str = "test"
) -> pl.DataFrame:
    """Read and check the predictions table of one classifier from a file of several (Parquet).

    Raises:
        InputError: the file holds no valid predictions of the classifier for `classes`; the message names the file.
    """
    chosen = {"model": model, "fold": fold, "spc": spc, "seed": seed, "subset": subset}
    try:
        table = pl.scan_parquet(path, glob=False).filter(**chosen).drop(*KEYS).collect()
        check_predictions(table, classes)
    except pl.exceptions.ColumnNotFoundError as error:
        raise InputError(f"{path}: predictions: {error}") from error
    except InputError as error:
        where = f"{model}, fold {fold}, {spc} samples per class, seed {seed}, {subset}"
        raise InputError(f"{path}: {where}: {error}") from error
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
    if not np.isfinite(probabilities_of(predictions)).all():
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
    means = np.add.reduceat(probabilities_of(ordered), first, axis=0) / windows_per_object[:, None]
    columns = {name: means[:, column] for column, name in enumerate(ordered.columns[3:])}
    return ordered[first].select("id", "label").with_columns(**columns)


def probabilities_of(predictions: pl.DataFrame) -> np.ndarray:
    """Return the columns `p_<class>` as an array `(rows, number of classes)`, float64."""
    return predictions.select(pl.col("^p_.*$").cast(pl.Float64)).to_numpy()
