"""Calibration of class probabilities: expected calibration error and temperature scaling (Guo et al. 2017)."""

from collections.abc import Sequence

import numpy as np
import polars as pl
from scipy.optimize import minimize_scalar

from astromer.evaluation.predictions import check_predictions, pool_objects

BINS = 15  # of Guo et al. 2017, ICML (arXiv 1706.04599)
LOG_TEMPERATURES = (-3.0, 3.0)  # natural logarithms between which the temperature is sought
SMALLEST = 1e-7  # probabilities below this count as this: a forest gives zeros


def calibration_error(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Expected calibration error: mean distance of confidence and accuracy over 15 bins of confidence.

    Args:
        probabilities: `(n, classes)`.
        labels: position of each true class, `(n,)`.
    """
    hits, confidences, bins = _binned(probabilities, labels)
    gaps = np.bincount(bins, confidences - hits, BINS)
    return float(np.abs(gaps).sum() / len(hits))


def reliability(probabilities: np.ndarray, labels: np.ndarray) -> pl.DataFrame:
    """Count objects and hits in the bins of the expected calibration error (`.to_pandas()` for pandas).

    Args:
        probabilities: `(n, classes)`.
        labels: position of each true class, `(n,)`.

    Returns:
        One row per bin: `bin`, `objects`, `hits` (objects whose most probable class is the true one) and `confidence`,
        the sum of their largest probabilities.
    """
    hits, confidences, bins = _binned(probabilities, labels)
    sums = {"objects": np.ones(len(hits)), "hits": hits, "confidence": confidences}
    counted = {name: np.bincount(bins, values, BINS) for name, values in sums.items()}
    return pl.DataFrame({"bin": np.arange(BINS), **counted})


def _binned(probabilities: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return whether each object is recognised, its largest probability, and the bin of that."""
    hits = probabilities.argmax(axis=1) == labels
    confidences = probabilities.max(axis=1)
    return hits, confidences, np.minimum((confidences * BINS).astype(int), BINS - 1)


def fit_temperature(validation: pl.DataFrame, classes: Sequence[str]) -> float:
    """Return the temperature of least cross-entropy per validation object; above 1, it lowers the confidence.

    Args:
        validation: predictions of objects that the classifier did not learn from; windows are averaged after scaling.
        classes: the dataset's ordered class list.

    Raises:
        InputError: the table is not a valid one.
    """
    check_predictions(validation, classes)

    def loss(log_temperature: float) -> float:
        table = pool_objects(scale_temperature(validation, float(np.exp(log_temperature))))
        probabilities = table.select("^p_.*$").to_numpy()
        return -np.log(np.maximum(probabilities[np.arange(len(table)), table["label"]], SMALLEST)).mean()

    return float(np.exp(minimize_scalar(loss, bounds=LOG_TEMPERATURES, method="bounded").x))


def scale_temperature(predictions: pl.DataFrame, temperature: float) -> pl.DataFrame:
    """Divide the logits of every row by the temperature; the most probable class of a row stays."""
    names = [name for name in predictions.columns if name.startswith("p_")]
    logits = np.log(np.maximum(predictions.select(names).to_numpy().astype(np.float64), SMALLEST)) / temperature
    scaled = np.exp(logits - logits.max(axis=1, keepdims=True))
    scaled = (scaled / scaled.sum(axis=1, keepdims=True)).astype(np.float32)
    return predictions.with_columns(**{name: scaled[:, column] for column, name in enumerate(names)})
