"""Classical classifiers of objects: random forest and logistic regression on features or on an encoder's vectors.

Nothing is pickled: the predictions and the importances are what stays, and a fit takes seconds.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import polars as pl
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from astromer.config.registry import check_name
from astromer.errors import InputError
from astromer.evaluation.predictions import predictions_table

NUM_TREES = 300
INVERSE_PENALTY = 0.1  # scikit-learn's C
MAX_ITERATIONS = 5000
HELD_OUT_PARTS = 5  # of the training objects: each is predicted by a model of the others
MIXED_SHARE = 1 / 3  # of the second model in a mixture, chosen on tuning stars (docs/encoder.md)


class Fitted(NamedTuple):
    """Predictions and diagnostics of a fitted classical classifier.

    Attributes:
        predictions: table of `astromer.evaluation.predictions`, one row for each object, `window` 0.
        importances: `input` and `importance`: the mean decrease in impurity of a forest, or the mean over classes of
            the absolute coefficients of a logistic regression (of standardised inputs); they sum to 1.
        imputed: `input` and `objects` of the training and test rows whose value was missing.
    """

    predictions: pl.DataFrame
    importances: pl.DataFrame
    imputed: pl.DataFrame


def forest(seed: int) -> Pipeline:
    """Build a random forest whose classes have equal weight."""
    return make_pipeline(RandomForestClassifier(NUM_TREES, class_weight="balanced", random_state=seed))


def logistic(seed: int) -> Pipeline:
    """Build a logistic regression on standardised inputs; it is deterministic."""
    return make_pipeline(StandardScaler(), LogisticRegression(C=INVERSE_PENALTY, max_iter=MAX_ITERATIONS))


CLASSICAL: dict[str, Callable[[int], Pipeline]] = {"forest": forest, "logistic": logistic}


def object_vectors(embeddings: pl.DataFrame) -> pl.DataFrame:
    """Average the vectors of an encoder over the windows of each object, weighted by their lengths.

    The vector of a window joins mean (of the last level), standard deviation and maximum over time and the logarithm of
    the scale (see `astromer.models.pooling.pool`).

    Returns:
        One row per object, sorted by id: `id`, `label` and the float32 array `vector` `(3 D + 1,)`.
    """
    ordered = embeddings.sort("id", "window")
    first = ordered.select(pl.col("id").rle_id().is_first_distinct().arg_true()).to_series().to_numpy()
    lengths = ordered["length"].to_numpy().astype(np.float64)
    parts = [ordered["mean"].to_numpy()[:, -1], *(ordered[name].to_numpy() for name in ("std", "max", "log_scale"))]
    sums = np.add.reduceat(np.concatenate(parts, axis=1) * lengths[:, None], first)
    vectors = (sums / np.add.reduceat(lengths, first)[:, None]).astype(np.float32)
    series = pl.Series(vectors, dtype=pl.Array(pl.Float32, vectors.shape[1:]))
    return ordered[first].select("id", "label").with_columns(vector=series)


def fit_classical(
    name: str, training: pl.DataFrame, test: pl.DataFrame, classes: Sequence[str], *, seed: int
) -> Fitted:
    """Fit a classical classifier and apply it.

    Missing values are replaced by the median of the training rows.

    Args:
        name: key of `CLASSICAL`.
        training: one row for each object: `id`, `label` (index of its class) and the inputs: number columns, or array
            columns such as the `vector` of `object_vectors`.
        test: objects to predict, with the same columns.
        classes: the dataset's ordered class list.
        seed: of the forest.

    Raises:
        InputError: there is no such classifier, the columns differ, or a class has no training object.
    """
    model = train_classical(name, training, classes, seed=seed)
    probabilities = model.probabilities(test)
    (inputs, seen), (_, unseen) = (_matrix(table) for table in (training, test))
    missing = np.isnan(seen).sum(axis=0) + np.isnan(unseen).sum(axis=0)
    imputed = pl.DataFrame({"input": inputs, "objects": missing.astype(np.int64)}).filter(pl.col("objects") > 0)
    importances = pl.DataFrame({"input": inputs, "importance": _importances(model.pipeline)})
    return Fitted(_object_table(test, probabilities, classes), importances, imputed)


class Classical(NamedTuple):
    """A trained classical classifier: its pipeline, the columns and `(objects, inputs)` values that it has seen."""

    name: str
    pipeline: Pipeline
    columns: list[str]
    seen: np.ndarray

    def probabilities(self, objects: pl.DataFrame) -> np.ndarray:
        """Return class probabilities `(objects, classes)`; missing values become the median of the training rows.

        Raises:
            InputError: the columns differ from those of the training rows.
        """
        if objects.columns != self.columns:
            raise InputError(f"{self.name}: the rows to predict differ from the training rows in their columns")
        return self.pipeline.predict_proba(_imputed(_matrix(objects)[1], self.seen))


def train_classical(name: str, training: pl.DataFrame, classes: Sequence[str], *, seed: int) -> Classical:
    """Train a classical classifier; arguments and errors are those of `fit_classical`."""
    check_name("classical classifier", name, CLASSICAL)
    seen, labels = _matrix(training)[1], training["label"].to_numpy()
    if absent := set(range(len(classes))) - set(labels.tolist()):
        raise InputError(f"{name}: no training object of class {classes[min(absent)]}")
    return Classical(name, CLASSICAL[name](seed).fit(_imputed(seen, seen), labels), training.columns, seen)


def held_out(name: str, training: pl.DataFrame, classes: Sequence[str], *, seed: int) -> pl.DataFrame:
    """Predict each training object by a model that was fitted without it, in at most 5 stratified parts.

    Returns:
        A predictions table, one row for each object.

    Raises:
        InputError: a class has a single object, which cannot be left out.
    """
    _, seen = _matrix(training)
    fewest = min(training.group_by("label").len()["len"].to_list())
    if fewest < 2:
        raise InputError(f"{name}: a class has a single training object; expected at least 2 to leave one out")
    parts = StratifiedKFold(min(HELD_OUT_PARTS, fewest), shuffle=True, random_state=seed)
    # The medians of all training rows: they hold no label.
    probabilities = cross_val_predict(
        CLASSICAL[name](seed), _imputed(seen, seen), training["label"].to_numpy(), cv=parts, method="predict_proba"
    )
    return _object_table(training, probabilities, classes)


def earned_share(one: pl.DataFrame, other: pl.DataFrame) -> float:
    """Return the share of the second model in a mixture of class probabilities: `MIXED_SHARE` if that helps, else 0.

    The mixture has to predict held-out objects with a lower cross-entropy than the first model alone, by more than one
    standard error of the difference. The share itself is fixed: a forest is so poorly calibrated that the least
    cross-entropy gives it too little weight.

    Args:
        one: predictions of the model to rely on, by `held_out`.
        other: predictions of the same objects by the model to add.
    """
    rows = _aligned(one, other)
    labels = one.sort("id")["label"].to_numpy()
    gains = _cross_entropies(rows, labels, 0.0) - _cross_entropies(rows, labels, MIXED_SHARE)
    error = gains.std(ddof=1) / np.sqrt(len(gains))
    return MIXED_SHARE if gains.mean() > error else 0.0


def mix(one: pl.DataFrame, other: pl.DataFrame, share: float) -> pl.DataFrame:
    """Average the class probabilities of two predictions tables of the same objects.

    Args:
        one: one row for each object.
        other: one row for each object, in any order.
        share: weight of `other`; that of `one` is the rest.
    """
    first, second = _aligned(one, other)
    ordered = one.sort("id")
    mixed = ((1 - share) * first + share * second).astype(np.float32)
    return ordered.with_columns(**{name: mixed[:, column] for column, name in enumerate(_probability_names(one))})


def shuffled_labels(training: pl.DataFrame, *, seed: int) -> pl.DataFrame:
    """Give the training objects each other's labels: the control that shows what a classifier scores by chance."""
    order = np.random.default_rng(seed).permutation(training.height)
    return training.with_columns(label=training["label"].gather(order))


def _matrix(table: pl.DataFrame) -> tuple[list[str], np.ndarray]:
    """Names and float64 values `(objects, inputs)`, NaN where missing; arrays give an input for each component."""
    names, columns = [], []
    for column in table.drop("id", "label").get_columns():
        values = column.to_numpy().astype(np.float64).reshape(table.height, -1)
        parts = values.shape[1]
        names += [column.name] if column.dtype.is_numeric() else [f"{column.name}_{part}" for part in range(parts)]
        columns.append(values)
    return names, np.concatenate(columns, axis=1)


def _imputed(values: np.ndarray, training: np.ndarray) -> np.ndarray:
    """Replace NaN by the median of the training rows; by 0 where these have no value at all."""
    nothing = np.isnan(training).all(axis=0)
    medians = np.nanmedian(np.where(nothing, 0.0, training), axis=0)
    return np.where(np.isnan(values), medians, values)


def _importances(model: Pipeline) -> np.ndarray:
    last = model[-1]
    raw = last.feature_importances_ if isinstance(last, RandomForestClassifier) else np.abs(last.coef_).mean(axis=0)
    return raw / max(raw.sum(), 1e-12)


def _object_table(objects: pl.DataFrame, probabilities: np.ndarray, classes: Sequence[str]) -> pl.DataFrame:
    windows = np.zeros(objects.height, np.uint32)
    return predictions_table(objects["id"].to_list(), windows, objects["label"].to_numpy(), probabilities, classes)


def _probability_names(predictions: pl.DataFrame) -> list[str]:
    return [name for name in predictions.columns if name.startswith("p_")]


def _aligned(one: pl.DataFrame, other: pl.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities `(objects, classes)` of both tables, in the order of the ids."""
    one, other = one.sort("id"), other.sort("id")
    if one.columns != other.columns or not one.select("id", "label").equals(other.select("id", "label")):
        raise InputError("predictions of two models: expected the same objects, labels and classes, one row each")
    names = _probability_names(one)
    return one.select(names).to_numpy().astype(np.float64), other.select(names).to_numpy().astype(np.float64)


def _cross_entropies(rows: tuple[np.ndarray, np.ndarray], labels: np.ndarray, share: float) -> np.ndarray:
    mixed = (1 - share) * rows[0] + share * rows[1]
    # A forest of 300 trees gives probabilities of 0: they count as half of one tree's vote.
    return -np.log(np.maximum(mixed[np.arange(len(labels)), labels], 0.5 / NUM_TREES))
