"""Split-conformal prediction sets (Vovk 2015, Annals of Mathematics and Artificial Intelligence 74, 9).

The nonconformity of a class is 1 - its probability. A class is in the set of an object if enough calibration objects,
which the classifier did not learn from, conform no better to their own class.
"""

import numpy as np
import polars as pl

from astromer.evaluation.predictions import pool_objects, probabilities_of


def nonconformity(objects: pl.DataFrame) -> np.ndarray:
    """Return 1 - probability of the true class `(m,)` of objects: `label` and one column `p_<class>` per class."""
    probabilities = probabilities_of(objects)
    return 1 - probabilities[np.arange(objects.height), objects["label"].to_numpy()]


def p_values(probabilities: np.ndarray, calibration: np.ndarray) -> np.ndarray:
    """Return the conformal p-value of every class of every object.

    Args:
        probabilities: `(objects, classes)`.
        calibration: nonconformity of calibration objects, `(m,)`.

    Returns:
        `(objects, classes)`: the fraction, among the calibration objects and the object itself, of those that conform
        no better than the object would if it were of the class.
    """
    ordered = np.sort(calibration)
    as_strange = len(ordered) - np.searchsorted(ordered, 1 - probabilities, side="left")
    return (as_strange + 1) / (len(ordered) + 1)


def in_set(values: np.ndarray, coverage: float) -> np.ndarray:
    """Mark the classes whose p-values are above 1 - `coverage`."""
    return values > round(1 - coverage, 9)  # 1 - 0.9 is less than 0.1 in floating point


def score_sets(calibrating: pl.DataFrame, test: pl.DataFrame, coverage: float) -> dict[str, float]:
    """Score the prediction sets of test objects.

    Args:
        calibrating: predictions table of objects that the classifier did not learn from; windows are averaged.
        test: predictions table of other objects.
        coverage: fraction of objects whose set should contain their class; it holds for objects that are drawn as the
            calibrating ones are.

    Returns:
        `coverage`, the fraction of test objects whose set contains their class, and `set_size`, the mean number of
        classes of a set.
    """
    objects = pool_objects(test)
    values = p_values(probabilities_of(objects), nonconformity(pool_objects(calibrating)))
    sets = in_set(values, coverage)
    covered = sets[np.arange(objects.height), objects["label"].to_numpy()]
    return {"coverage": float(covered.mean()), "set_size": float(sets.sum(axis=1).mean())}
