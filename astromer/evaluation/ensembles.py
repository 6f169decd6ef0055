"""Class probabilities and prediction sets by an ensemble of classifiers, one per fold.

Prediction sets are cross-conformal (Vovk 2015, Annals of Mathematics and Artificial Intelligence 74, 9). Each fold
calibrates its own classifier by split-conformal prediction on its own validation objects, which gives every class of an
object a p-value; the p-values are averaged over the folds. The nonconformity of a class is 1 - its probability.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import polars as pl

from astromer.evaluation.conformal import in_set, p_values
from astromer.evaluation.predictions import probabilities_of


class Vote(NamedTuple):
    """Class probabilities by the classifier of one fold, and the scores that calibrate it.

    Attributes:
        objects: `id` and one column `p_<class>` per class, one row per object.
        calibration: nonconformity of the true class of its validation objects, `(m,)`.
    """

    objects: pl.DataFrame
    calibration: np.ndarray


def combine(votes: Sequence[Vote], classes: Sequence[str], coverage: float) -> pl.DataFrame:
    """Average the votes of all folds.

    Args:
        votes: one per fold, all of the same objects in the same order.
        classes: the dataset's ordered class list.
        coverage: fraction of objects whose set should contain their class; it holds for objects that are drawn as the
            validation objects are.

    Returns:
        One row per object: `id`; `p_<class>`, mean over the folds, float32; `entropy` of these [nat]; `class`, the most
        probable one; and `set`, the classes of the prediction set in the order of `classes`: empty for an object that
        resembles no class, and with all classes if there are too few validation objects to exclude any.
    """
    probabilities = np.stack([probabilities_of(vote.objects) for vote in votes])
    plausible = np.mean([p_values(p, vote.calibration) for p, vote in zip(probabilities, votes, strict=True)], axis=0)
    mean = probabilities.mean(axis=0)
    entropy = -(mean * np.log(np.maximum(mean, np.finfo(np.float64).tiny))).sum(axis=1)
    names = np.array(classes)
    return pl.DataFrame(
        {
            "id": votes[0].objects["id"],
            **{f"p_{name}": mean[:, column].astype(np.float32) for column, name in enumerate(classes)},
            "entropy": entropy.astype(np.float32),
            "class": names[mean.argmax(axis=1)],
            "set": [names[row].tolist() for row in in_set(plausible, coverage)],
        },
        schema=schema(classes),
    )


def schema(classes: Sequence[str]) -> dict[str, pl.DataType]:
    """Return the types of the columns of `combine`."""
    probabilities = {f"p_{name}": pl.Float32() for name in classes}
    others = {"entropy": pl.Float32(), "class": pl.String(), "set": pl.List(pl.String())}
    return {"id": pl.String(), **probabilities, **others}
