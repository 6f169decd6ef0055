"""Stage 7: classical models, on the vectors of an encoder, on features alone, and on both together."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

import polars as pl

from astromer.config.datasets import FUSED, Control
from astromer.evaluation.classical import best_share, fit_classical, held_out, mix, object_vectors, shuffled_labels
from astromer.evaluation.features import columns_of
from astromer.splits.draw import sets_of
from astromer.stages.results import Results, read_embeddings

FEATURES_MODEL, VECTORS_MODEL = "forest", "logistic"  # whose probabilities the fused classifier mixes


def fit_probes(
    embeddings: Path,
    split: Path,
    folder: Path,
    *,
    features: Sequence[Path] = (),
    models: Sequence[str],
    fold: int,
    spc: Sequence[int],
    classes: Sequence[str],
    seed: int,
    tags: Mapping[str, Any],
) -> None:
    """Fit classical models to the vectors of an encoder, for each SPC of one fold, and score them on the test objects.

    They are fitted to the training and the validation objects, because nothing stops them early.

    Args:
        embeddings: file written by `astromer.stages.embed`.
        split: sets of the dataset.
        folder: written: `predictions.parquet` and `metrics.csv`.
        features: features of the dataset's survey, which `fused` needs.
        models: names of classical models, and `fused`.
        fold, spc, classes, seed, tags: as for `astromer.stages.classify.train_heads`.
    """
    sets, results = pl.read_parquet(split), Results(classes, tags)
    described = _read_features(features) if FUSED in models else pl.DataFrame()
    for size, windows in read_embeddings(embeddings, spc).items():
        training, test = _fitted_and_test(object_vectors(windows), sets, fold, size)
        for name in models:
            if name == FUSED:
                on_features = _features(described, training, "features"), _features(described, test, "features")
                predictions, kind = _fuse(on_features, (training, test), classes, seed), "fused"
            else:
                predictions, kind = fit_classical(name, training, test, classes, seed=seed).predictions, "probe"
            results.add(name, kind, size, {"test": predictions})
    results.write(folder)


def fit_controls(
    split: Path,
    features: Sequence[Path],
    folder: Path,
    *,
    wrong_period: Sequence[Path] = (),
    models: Mapping[str, Sequence[str]],
    fold: int,
    spc: Sequence[int],
    classes: Sequence[str],
    seed: int,
    tags: Mapping[str, Any],
) -> None:
    """Fit classical models to features alone, for each SPC of one fold, on the same objects as all other classifiers.

    Args:
        split: sets of the dataset.
        features: features of the dataset's survey.
        folder: written: `predictions.parquet`, `metrics.csv`, `importances.csv`, and `imputed.csv` with the number of
            objects whose feature was undefined.
        wrong_period: the same features with wrong periods, for the control `wrong_period`.
        models: by name, the kind of features and the classical model.
        fold, spc, classes, seed, tags: as for `astromer.stages.classify.train_heads`.
    """
    sets, results = pl.read_parquet(split), Results(classes, tags)
    objects = sets.select("id", "label").unique("id").sort("id")
    right = _read_features(features)
    for name, (columns, model) in models.items():
        table = _features(_read_features(wrong_period) if name == "wrong_period" else right, objects, columns)
        for size in spc:
            training, test = _fitted_and_test(table, sets, fold, size)
            if name == "shuffled_labels":
                training = shuffled_labels(training, seed=seed)
            fitted = fit_classical(model, training, test, classes, seed=seed)
            kind = "control" if name in get_args(Control) else "classical"
            tables = {"importances": fitted.importances, "imputed": fitted.imputed}
            results.add(name, kind, size, {"test": fitted.predictions}, **tables)
    results.write(folder)


def _fitted_and_test(table: pl.DataFrame, sets: pl.DataFrame, fold: int, spc: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    tables = sets_of(table, sets, fold=fold, spc=spc)
    return pl.concat([tables["train"], tables["validation"]]), tables["test"]


def _read_features(paths: Sequence[Path]) -> pl.DataFrame:
    return pl.concat(pl.read_parquet(path) for path in paths)


def _features(table: pl.DataFrame, objects: pl.DataFrame, kind: str) -> pl.DataFrame:
    """Return the features of objects, in their order, with `id` and `label`."""
    columns = table.select("id", *columns_of(kind, table))
    return objects.select("id", "label").join(columns, on="id", how="left", maintain_order="left")


def _fuse(
    features: tuple[pl.DataFrame, pl.DataFrame],
    vectors: tuple[pl.DataFrame, pl.DataFrame],
    classes: Sequence[str],
    seed: int,
) -> pl.DataFrame:
    """Mix the probabilities of a model on features with those of a model on vectors; each pair is training and test.

    The share of the latter is chosen on held-out training objects. Stacked columns would be worse than features alone,
    because hundreds of components hide dozens of features from a forest.
    """
    on_features = fit_classical(FEATURES_MODEL, *features, classes, seed=seed).predictions
    on_vectors = fit_classical(VECTORS_MODEL, *vectors, classes, seed=seed).predictions
    share = best_share(
        held_out(FEATURES_MODEL, features[0], classes, seed=seed),
        held_out(VECTORS_MODEL, vectors[0], classes, seed=seed),
    )
    return mix(on_features, on_vectors, share)
