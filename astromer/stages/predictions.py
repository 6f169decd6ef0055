"""Stage 10: apply a trained classifier, as an ensemble over its folds, to any survey, labelled or not."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import polars as pl

from astromer.config.datasets import FUSED, PROBE_ARRAYS
from astromer.data.pieces import whole_objects
from astromer.evaluation.classical import earned_share, held_out, object_vectors, train_classical
from astromer.evaluation.conformal import nonconformity
from astromer.evaluation.embeddings import head_inputs
from astromer.evaluation.ensembles import Vote, combine, schema
from astromer.evaluation.features import features_of_objects
from astromer.evaluation.predictions import pool_objects, predictions_table, read_predictions
from astromer.files import write_pieces
from astromer.models.weights import load_model
from astromer.splits.draw import sets_of
from astromer.splits.membership import COLUMNS, membership
from astromer.stages.embeddings import ROWS_AT_ONCE, shard_embedder
from astromer.stages.probe import VECTORS_MODEL
from astromer.stages.results import read_embeddings
from astromer.training.arrays import array_batches
from astromer.training.classification import predictor

FEATURES_MODEL = "forest"  # of the classifier `astromer.config.datasets.FUSED_FEATURES`
HEAD_BATCH = 1024  # windows at once; does not change the result

Voter = Callable[[pl.DataFrame], Vote]
"""The classifier of one fold: from the windows of objects to its vote on each of these, in the order of their ids."""


def predict_by_head(
    observations: Path,
    objects: Path,
    metadata: Path,
    split: Path,
    encoders: Sequence[Path],
    models: Path,
    validation: Path,
    predictions: Path,
    *,
    classifier: str,
    arrays: Sequence[str],
    classes: Sequence[str],
    spc: int,
    folds: int,
    window: int,
    whole_windows: bool,
    coverage: float,
    match_radius_arcsec: float,
    id_spaces: Mapping[str, str],
) -> None:
    """Apply a head that the run has trained to every object of one shard of a survey.

    Args:
        observations, objects: tables of the shard.
        metadata: objects of the survey that the head's dataset selects from.
        split: sets of that dataset.
        encoders: files `model.weights.h5`, with their `config.json` beside them: one for all folds, or one per fold.
        models: folder `models` of `astromer.stages.classify.train_heads`; of several seeds, the first is used.
        validation: file `predictions.parquet` beside it, whose validation objects calibrate the prediction sets.
        predictions: written; the columns of `astromer.evaluation.ensembles.combine` and of
            `astromer.splits.membership.membership`, one row per object.
        classifier: name of the head.
        arrays: arrays of `astromer.models.pooling.pool` that it reads.
        classes: classes in the order of the labels.
        spc: samples per class of the classifier.
        folds: number of folds.
        window, whole_windows: as for `astromer.stages.embed.embed_frozen`.
        coverage: see `combine`.
        match_radius_arcsec, id_spaces: see `membership`.
    """

    def voter(fold: int) -> Voter:
        model = models / f"fold{fold}/spc{spc}/seed0/{classifier}.keras"
        predict = predictor(load_model(model))
        validated = read_predictions(validation, classes, model=classifier, fold=fold, spc=spc, subset="validation")
        calibration = nonconformity(pool_objects(validated))

        def vote(windows: pl.DataFrame) -> Vote:
            probabilities = predict(array_batches(head_inputs(windows, arrays), HEAD_BATCH)(0))
            # The labels are unknown; any will do.
            labels = np.zeros(windows.height, np.int32)
            table = predictions_table(windows["id"], windows["window"], labels, probabilities, classes)
            return Vote(pool_objects(table).drop("label"), calibration)

        return vote

    voters = [voter(fold) for fold in range(folds)]
    known = membership(
        pl.read_parquet(objects),
        pl.read_parquet(metadata),
        pl.read_parquet(split),
        spc=spc,
        radius_arcsec=match_radius_arcsec,
        id_spaces=id_spaces,
    )
    embedders = [shard_embedder(path, arrays, window=window, whole_windows=whole_windows)[0] for path in encoders]
    _predict(observations, embedders, voters, known, predictions, classes, coverage)


def predict_by_probe(
    observations: Path,
    objects: Path,
    metadata: Path,
    split: Path,
    encoders: Sequence[Path],
    embeddings: Path,
    predictions: Path,
    *,
    features: Sequence[Path] = (),
    described: Sequence[Path] = (),
    classifier: str,
    classes: Sequence[str],
    spc: int,
    folds: int,
    window: int,
    seed: int,
    coverage: float,
    match_radius_arcsec: float,
    id_spaces: Mapping[str, str],
) -> None:
    """Fit a probe to stored embeddings and apply it to every object of one shard of a survey.

    Unlike the probe that is scored, it is fitted to the training objects alone, because the validation objects
    calibrate the prediction sets.

    Args:
        observations, objects, metadata, split, encoders, predictions: as for `predict_by_head`.
        embeddings: embeddings of the dataset, see `astromer.stages.embed`.
        features: features of the dataset's survey, which `fused` needs.
        described: features of the shard, which `fused` needs.
        classifier: name of a classical model, or `fused`.
        seed: seed of the models.
        classes, spc, folds, window, coverage, match_radius_arcsec, id_spaces: as for `predict_by_head`.
    """
    sets = pl.read_parquet(split)
    if classifier == FUSED and not (features and described):
        raise TypeError("fused needs features")
    of_dataset, of_shard = (
        pl.read_parquet(list(paths)) if paths else pl.DataFrame() for paths in (features, described)
    )

    def voter(fold: int, windows: pl.DataFrame) -> Voter:
        tables = sets_of(object_vectors(windows), sets, fold=fold, spc=spc)
        probabilities = _probe(classifier, tables["train"], of_dataset, classes, seed)
        validation = tables["validation"]
        calibration = nonconformity(_objects(validation, probabilities(validation, of_dataset), classes))

        def vote(windows: pl.DataFrame) -> Vote:
            vectors = object_vectors(windows)
            return Vote(_objects(vectors, probabilities(vectors, of_shard), classes).drop("label"), calibration)

        return vote

    voters = [voter(fold, windows) for fold, _, windows in read_embeddings(embeddings, range(folds), [spc])]
    known = membership(
        pl.read_parquet(objects),
        pl.read_parquet(metadata),
        sets,
        spc=spc,
        radius_arcsec=match_radius_arcsec,
        id_spaces=id_spaces,
    )
    embedders = [shard_embedder(path, PROBE_ARRAYS, window=window)[0] for path in encoders]
    _predict(observations, embedders, voters, known, predictions, classes, coverage)


def _probe(
    name: str, training: pl.DataFrame, features: pl.DataFrame, classes: Sequence[str], seed: int
) -> Callable[[pl.DataFrame, pl.DataFrame], np.ndarray]:
    """Train a probe; return the function from vectors and, for `fused`, features to class probabilities."""
    if name != FUSED:
        model = train_classical(name, training, classes, seed=seed)
        return lambda vectors, _: model.probabilities(vectors)
    of_training = features_of_objects(features, training, "features")
    on_features = train_classical(FEATURES_MODEL, of_training, classes, seed=seed)
    on_vectors = train_classical(VECTORS_MODEL, training, classes, seed=seed)
    share = earned_share(
        held_out(FEATURES_MODEL, of_training, classes, seed=seed),
        held_out(VECTORS_MODEL, training, classes, seed=seed),
    )
    return lambda vectors, described: (
        (1 - share) * on_features.probabilities(features_of_objects(described, vectors, "features"))
        + share * on_vectors.probabilities(vectors)
    )


def _objects(vectors: pl.DataFrame, probabilities: np.ndarray, classes: Sequence[str]) -> pl.DataFrame:
    return vectors.select("id", "label").with_columns(
        **{f"p_{name}": probabilities[:, column] for column, name in enumerate(classes)}
    )


def _predict(
    observations: Path,
    embedders: Sequence[Callable[[pl.DataFrame], pl.DataFrame]],
    voters: Sequence[Voter],
    known: pl.DataFrame,
    predictions: Path,
    classes: Sequence[str],
    coverage: float,
) -> None:
    """Embed the objects of a shard, let all folds vote, and write the table, a piece of the shard at a time."""

    def table(rows: pl.DataFrame) -> pl.DataFrame:
        windows = [embed(rows) for embed in embedders]
        votes = [vote(windows[fold % len(windows)]) for fold, vote in enumerate(voters)]
        return combine(votes, classes, coverage).join(known, on="id", how="left", maintain_order="left")

    columns = schema(classes) | dict.fromkeys(COLUMNS.values(), pl.Boolean())
    write_pieces(predictions, columns, map(table, whole_objects(pl.scan_parquet(observations), ROWS_AT_ONCE)))
