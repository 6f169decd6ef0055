"""A classifier that a run has trained, applied to whole surveys: as it was scored, piece by piece, without labels."""

from typing import NamedTuple

import numpy as np
import polars as pl
import pytest
from example_records import small_reconstructor
from small_dataset import CLASSES, HEAD, OF_ENCODER, ids, labels, write_features, write_split

from astromer.config.datasets import PROBE_ARRAYS
from astromer.config.encoders import EncoderConfig
from astromer.evaluation import classical
from astromer.evaluation.predictions import pool_objects, read_predictions
from astromer.models.weights import save_pretrained
from astromer.stages import embeddings as module
from astromer.stages.classify import train_heads
from astromer.stages.embeddings import embed_survey, shard_embedder
from astromer.stages.predictions import predict_by_head, predict_by_probe

WINDOW, SPC = 20, 20
SIZES = {"num_blocks": 1, "num_heads": 2, "head_dim": 4, "feedforward_dim": 8}
PROBABILITIES = [f"p_{name}" for name in CLASSES]
FLAGS = ["in_training", "in_validation", "in_test"]


class Trained(NamedTuple):
    """A dataset of two classes, an encoder, and a head for each of two folds."""

    folder: object
    inputs: dict
    params: dict


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained")
    save_pretrained(small_reconstructor(), EncoderConfig(architecture="v2", **SIZES), folder / "encoder")
    rng = np.random.default_rng(0)
    scatter = {name: (0.02, 0.5)[label] for name, label in zip(ids(), labels(), strict=True)} | {"unknown": 0.5}
    tables = []
    for name, sigma in scatter.items():
        mjd = np.sort(rng.uniform(0, 1000, 30))
        tables.append(pl.DataFrame({"mjd": mjd, "mag": rng.normal(15, sigma, 30)}).with_columns(id=pl.lit(name)))
    observations = pl.concat(tables).with_columns(pl.col("mag").cast(pl.Float32), err_mag=pl.lit(0.1, pl.Float32))
    observations.write_parquet(folder / "observations.parquet")
    objects = pl.DataFrame({"survey": "sky", "id": list(scatter)}).with_columns(ra=pl.lit(None, pl.Float64))
    objects.with_columns(dec="ra").write_parquet(folder / "objects.parquet")
    write_split(folder / "split.parquet")
    windows = shard_embedder(folder / "encoder/model.weights.h5", PROBE_ARRAYS, window=WINDOW)[0](observations)
    label = pl.col("id").replace_strict(ids(), labels().astype(int).tolist(), default=-1, return_dtype=pl.Int32)
    windows.with_columns(label=label).write_parquet(folder / "embeddings.parquet")
    train_heads(
        folder / "embeddings.parquet",
        folder / "split.parquet",
        folder / "heads",
        heads={"msx": {"head": "msx", **HEAD}},
        folds=[0, 1],
        spc=[SPC],
        seeds=[0],
        classes=CLASSES,
        weighting="objects",
        training={"learning_rate": 0.05, "batch_size": 32, "epochs": 8, "patience": 8},
        state=str(folder / "state"),
        tags=OF_ENCODER,
    )
    names = {"observations": "observations", "objects": "objects", "metadata": "objects", "split": "split"}
    inputs = {name: folder / f"{file}.parquet" for name, file in names.items()}
    params = {"classes": CLASSES, "spc": SPC, "window": WINDOW, "coverage": 0.8}
    params |= {"match_radius_arcsec": 2.0, "id_spaces": {}}
    return Trained(folder, inputs | {"encoders": [folder / "encoder/model.weights.h5"]}, params)


def by_head(trained, path, folds=2, **changes):
    predict_by_head(
        **trained.inputs | changes,
        models=trained.folder / "heads/models",
        validation=trained.folder / "heads/predictions.parquet",
        folds=folds,
        predictions=path,
        classifier="msx",
        arrays=list(PROBE_ARRAYS),
        whole_windows=False,
        **trained.params,
    )
    return pl.read_parquet(path)


def by_probe(trained, path, classifier, **features):
    predict_by_probe(
        **trained.inputs,
        embeddings=trained.folder / "embeddings.parquet",
        predictions=path,
        classifier=classifier,
        folds=2,
        seed=0,
        **trained.params,
        **features,
    )
    return pl.read_parquet(path)


def test_every_object_has_a_vector(trained, tmp_path, monkeypatch):
    arguments = [trained.inputs["encoders"][0], trained.inputs["observations"]]
    embed_survey(*arguments, tmp_path / "whole.parquet", window=WINDOW)
    table = pl.read_parquet(tmp_path / "whole.parquet")
    assert table["id"].to_list() == [*ids(), "unknown"]
    assert set(table["length"]) == {30}
    assert table.schema["vector"] == pl.Array(pl.Float32, (3 * 8 + 1,))
    monkeypatch.setattr(module, "ROWS_AT_ONCE", 70)
    embed_survey(*arguments, tmp_path / "pieces.parquet", window=WINDOW)
    pieces = pl.read_parquet(tmp_path / "pieces.parquet")
    assert pieces.drop("vector").equals(table.drop("vector"))
    np.testing.assert_allclose(pieces["vector"].to_numpy(), table["vector"].to_numpy(), rtol=1e-4, atol=1e-5)


def test_an_object_of_several_bands_has_one_row(trained, tmp_path):
    """Its vector and its probabilities are those of all windows of its bands."""
    number = pl.int_range(pl.len()).over("id")
    bands = pl.read_parquet(trained.inputs["observations"])
    bands = bands.with_columns(band=pl.when(number % 3 == 0).then(pl.lit("g")).otherwise(pl.lit("r")))
    bands.sort("id", "band", "mjd").write_parquet(tmp_path / "bands.parquet")
    embed_survey(trained.inputs["encoders"][0], tmp_path / "bands.parquet", tmp_path / "vectors.parquet", window=WINDOW)
    table = pl.read_parquet(tmp_path / "vectors.parquet")
    assert table.select("id", "length").rows() == [(name, 30) for name in [*ids(), "unknown"]]
    embed = shard_embedder(trained.inputs["encoders"][0], PROBE_ARRAYS, window=WINDOW)[0]
    apart = [embed(part.drop("band").sort("id", "mjd")) for part in bands.partition_by("band", maintain_order=True)]
    windows = pl.concat(part.filter(id="unknown") for part in apart)
    mean = np.average(windows["mean"].to_numpy()[:, -1], axis=0, weights=windows["length"].to_numpy())
    np.testing.assert_allclose(table.filter(id="unknown")["vector"].to_numpy()[0, :8], mean, rtol=1e-4, atol=1e-5)
    found = by_head(trained, tmp_path / "predictions.parquet", observations=tmp_path / "bands.parquet")
    assert found["id"].to_list() == table["id"].to_list()


def test_a_shard_without_objects_has_the_same_columns(trained, tmp_path):
    pl.read_parquet(trained.inputs["observations"]).clear().write_parquet(tmp_path / "none.parquet")
    embed_survey(trained.inputs["encoders"][0], tmp_path / "none.parquet", tmp_path / "vectors.parquet", window=WINDOW)
    assert pl.read_parquet(tmp_path / "vectors.parquet").shape == (0, 3)
    none = by_head(trained, tmp_path / "predictions.parquet", observations=tmp_path / "none.parquet")
    assert none.schema == by_head(trained, tmp_path / "all.parquet").schema
    assert none.is_empty()


def test_one_fold_predicts_what_was_scored(trained, tmp_path):
    found = by_head(trained, tmp_path / "predictions.parquet", folds=1)
    scored = read_predictions(trained.folder / "heads/predictions.parquet", CLASSES, model="msx", fold=0, spc=SPC)
    expected = pool_objects(scored).select("id", *PROBABILITIES)
    ours = expected.select("id").join(found, on="id", maintain_order="left").select(PROBABILITIES).to_numpy()
    np.testing.assert_allclose(ours, expected.select(PROBABILITIES).to_numpy(), atol=1e-4)


def test_an_ensemble_predicts_every_object(trained, tmp_path):
    found = by_head(trained, tmp_path / "predictions.parquet")
    assert found.columns == ["id", *PROBABILITIES, "entropy", "class", "set", *FLAGS]
    assert found["id"].to_list() == [*ids(), "unknown"]
    first = by_head(trained, tmp_path / "fold.parquet", folds=1)
    assert not np.allclose(found.select(PROBABILITIES).to_numpy(), first.select(PROBABILITIES).to_numpy(), atol=1e-3)
    known = found.head(-1)
    assert (known["class"] == [CLASSES[label] for label in labels()]).mean() > 0.8
    sets = pl.read_parquet(trained.folder / "split.parquet").filter(pl.col("spc").is_null() | (pl.col("spc") == SPC))
    for flag, subset in zip(FLAGS, ("train", "validation", "test"), strict=True):
        assert set(found.filter(flag)["id"]) == set(sets.filter(pl.col("subset") == subset)["id"])
    assert found.filter(pl.col("id") == "unknown").select(FLAGS).row(0) == (False, False, False)


@pytest.mark.parametrize("classifier", ["logistic", "fused"])
def test_probes_are_fitted_again(trained, tmp_path, classifier, monkeypatch):
    monkeypatch.setattr(classical, "NUM_TREES", 20)
    options = {}
    if classifier == "fused":
        features = write_features(tmp_path / "features")
        table = pl.concat(pl.read_parquet(path) for path in features)
        unknown = table.tail(1).with_columns(id=pl.lit("unknown"))
        pl.concat([table, unknown]).write_parquet(tmp_path / "described.parquet")
        options = {"features": features, "described": [tmp_path / "described.parquet"]}
    found = by_probe(trained, tmp_path / "predictions.parquet", classifier, **options)
    assert found["id"].to_list() == [*ids(), "unknown"]
    known = found.head(-1)
    assert (known["class"] == [CLASSES[label] for label in labels()]).mean() > 0.9
    covered = [CLASSES[label] in names for label, names in zip(labels(), known["set"], strict=True)]
    assert np.mean(covered) > 0.8
    np.testing.assert_allclose(found.select(PROBABILITIES).sum_horizontal(), 1, atol=1e-5)
