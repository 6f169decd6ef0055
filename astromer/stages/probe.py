"""Stage 7: classical models, on the vectors of an encoder, on features alone, and on both together."""

from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any, get_args

import polars as pl

from astromer.config.datasets import FUSED, FUSED_FEATURES, Control
from astromer.errors import InputError
from astromer.evaluation.classical import earned_share, fit_classical, held_out, mix, object_vectors, shuffled_labels
from astromer.evaluation.features import features_of_objects
from astromer.evaluation.predictions import read_predictions
from astromer.splits.draw import sets_of
from astromer.stages.results import HELD_OUT, NO_CALIBRATION, Results, read_embeddings

VECTORS_MODEL = "logistic"  # whose probabilities the fused classifier mixes with those of the forest on features


def fit_probes(
    embeddings: Path,
    split: Path,
    folder: Path,
    *,
    on_features: Path | None = None,
    models: Sequence[str],
    folds: Sequence[int],
    spc: Sequence[int],
    seeds: Sequence[int],
    classes: Sequence[str],
    tags: Mapping[str, Any],
    calibration: Mapping[str, Any] = NO_CALIBRATION,
) -> None:
    """Fit classical models to the vectors of an encoder, for each fold, SPC and seed, and score them on test objects.

    They are fitted to the training and the validation objects, because nothing stops them early.

    Args:
        embeddings: file written by `astromer.stages.embed`.
        split: sets of the dataset.
        folder: written: `predictions.parquet` and `metrics.csv`.
        on_features: predictions of `fit_controls` with `leave_out`, which `fused` needs.
        models: names of classical models, and `fused`.
        folds, spc, seeds, classes, tags, calibration: as for `astromer.stages.classify.train_heads`.
    """
    sets, results = pl.read_parquet(split), Results(classes, tags, **calibration)
    for fold, size, windows in read_embeddings(embeddings, folds, spc):
        training, test = _fitted_and_test(object_vectors(windows), sets, fold, size)
        for (number, seed), name in product(enumerate(seeds), models):
            about = {"fold": fold, "spc": size, "seed": number}
            if name == FUSED:
                results.add(name, "fused", _fuse(on_features, (training, test), classes, seed, about), **about)
            else:
                fitted = fit_classical(name, training, test, classes, seed=seed)
                results.add(name, "probe", {"test": fitted.predictions}, **about)
    results.write(folder)


def fit_controls(
    split: Path,
    features: Sequence[Path],
    folder: Path,
    *,
    wrong_period: Sequence[Path] = (),
    models: Mapping[str, Sequence[str]],
    leave_out: bool = False,
    folds: Sequence[int],
    spc: Sequence[int],
    seeds: Sequence[int],
    classes: Sequence[str],
    tags: Mapping[str, Any],
    calibration: Mapping[str, Any] = NO_CALIBRATION,
) -> None:
    """Fit classical models to features alone, for each fold, SPC and seed, on the objects of all other classifiers.

    Args:
        split: sets of the dataset.
        features: features of the dataset's survey.
        folder: written: `predictions.parquet`, `metrics.csv`, `importances.csv`, and `imputed.csv` with the number of
            objects whose feature was undefined.
        wrong_period: the same features with wrong periods, for the control `wrong_period`.
        models: by name, the kind of features and the classical model.
        leave_out: also predict each training object by a model on all features that was fitted without it; the fused
            classifier of every encoder needs these predictions.
        folds, spc, seeds, classes, tags, calibration: as for `astromer.stages.classify.train_heads`.
    """
    sets, results = pl.read_parquet(split), Results(classes, tags, **calibration)
    objects = sets.select("id", "label").unique("id").sort("id")
    right = _read_features(features)
    for name, (columns, model) in models.items():
        table = features_of_objects(_read_features(wrong_period) if name == "wrong_period" else right, objects, columns)
        for fold, size, (number, seed) in product(folds, spc, enumerate(seeds)):
            training, test = _fitted_and_test(table, sets, fold, size)
            if name == "shuffled_labels":
                training = shuffled_labels(training, seed=seed)
            fitted = fit_classical(model, training, test, classes, seed=seed)
            kind = "control" if name in get_args(Control) else "classical"
            predictions = {"test": fitted.predictions}
            if leave_out and name == FUSED_FEATURES:
                predictions[HELD_OUT] = held_out(model, training, classes, seed=seed)
            about = {"fold": fold, "spc": size, "seed": number}
            results.add(name, kind, predictions, **about, importances=fitted.importances, imputed=fitted.imputed)
    results.write(folder)


def _fitted_and_test(table: pl.DataFrame, sets: pl.DataFrame, fold: int, spc: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    tables = sets_of(table, sets, fold=fold, spc=spc)
    return pl.concat([tables["train"], tables["validation"]]), tables["test"]


def _read_features(paths: Sequence[Path]) -> pl.DataFrame:
    return pl.concat(pl.read_parquet(path) for path in paths)


def _fuse(
    on_features: Path | None,
    vectors: tuple[pl.DataFrame, pl.DataFrame],
    classes: Sequence[str],
    seed: int,
    about: Mapping[str, int],
) -> dict[str, pl.DataFrame]:
    """Mix the probabilities of a model on features with those of a model on vectors, a pair of training and test.

    The latter are left out unless they help on held-out training objects. Stacked columns gain less than mixed
    probabilities, because hundreds of components hide dozens of features from a forest.
    """
    if on_features is None:
        raise InputError(f"{FUSED}: expected the predictions of {FUSED_FEATURES}, without which nothing can be mixed")
    of_features = {
        subset: read_predictions(on_features, classes, model=FUSED_FEATURES, subset=subset, **about)
        for subset in ("test", HELD_OUT)
    }
    of_vectors = {
        "test": fit_classical(VECTORS_MODEL, *vectors, classes, seed=seed).predictions,
        HELD_OUT: held_out(VECTORS_MODEL, vectors[0], classes, seed=seed),
    }
    share = earned_share(of_features[HELD_OUT], of_vectors[HELD_OUT])
    return {subset: mix(of_features[subset], of_vectors[subset], share) for subset in of_features}
