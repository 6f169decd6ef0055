"""Classical models on vectors and on features: scored on the same objects as the heads, and fair to each other."""

import polars as pl
import pytest
from small_dataset import CLASSES, OF_ENCODER, SPC, TAGS, embeddings, write_embeddings, write_features, write_split

from astromer.errors import InputError
from astromer.evaluation.predictions import read_predictions
from astromer.evaluation.scores import read_metrics
from astromer.stages.probe import fit_controls, fit_probes

WITHOUT_ENCODER = {**TAGS, "encoder": None, "state": None}
COMMON = {"folds": [1], "spc": SPC, "seeds": [0], "classes": CLASSES}


@pytest.fixture
def split(tmp_path):
    return write_split(tmp_path / "split.parquet")


def predict_from_features(split, folder, spc=SPC, **options):
    """Predict test and training objects from features, and return the file of predictions."""
    fit_controls(
        split,
        write_features(folder / "features", **options),
        folder / "controls",
        models={"features_forest": ["features", "forest"]},
        leave_out=True,
        tags=WITHOUT_ENCODER,
        **COMMON | {"spc": spc},
    )
    return folder / "controls/predictions.parquet"


@pytest.fixture
def probed(split, tmp_path):
    """Fit probes to a table of embeddings, and return their metrics."""

    def fit(strength, of_features, models=("logistic", "fused")):
        vectors = write_embeddings(tmp_path / "embeddings.parquet", signal_to_noise=strength)
        on_features = predict_from_features(split, tmp_path, signal_to_noise=of_features)
        options = {"on_features": on_features, "models": models, "tags": OF_ENCODER}
        fit_probes(vectors, split, tmp_path / "probes", **options, **COMMON)
        return read_metrics(tmp_path / "probes/metrics.csv")

    return fit


@pytest.fixture
def controlled(split, tmp_path):
    """Fit controls, and return their metrics."""

    def fit(models, **options):
        paths = write_features(tmp_path / "features")
        fit_controls(split, paths, tmp_path / "controls", models=models, tags=WITHOUT_ENCODER, **options, **COMMON)
        return read_metrics(tmp_path / "controls/metrics.csv")

    return fit


def accuracy(metrics, model, spc=20):
    chosen = (pl.col("level") == "object") & (pl.col("metric") == "accuracy")
    return metrics.filter(chosen & (pl.col("model") == model) & (pl.col("spc") == spc))["value"].item()


def test_probes_predict_the_test_objects_once_for_each_spc(probed, split, tmp_path):
    metrics = probed(5.0, 5.0)
    tested = pl.read_parquet(split).filter((pl.col("fold") == 1) & (pl.col("subset") == "test"))
    for model in ("logistic", "fused"):
        for spc in SPC:
            found = read_predictions(tmp_path / "probes/predictions.parquet", CLASSES, model=model, fold=1, spc=spc)
            assert sorted(found["id"]) == sorted(tested["id"])
            assert accuracy(metrics, model, spc) > 0.9
    kinds = metrics.select("model", "kind", "encoder", "state").unique().sort("model").rows()
    assert kinds == [("fused", "fused", "v2", "frozen"), ("logistic", "probe", "v2", "frozen")]


@pytest.mark.parametrize(("strength", "of_features"), [(0.0, 5.0), (5.0, 0.0)], ids=["features", "vectors"])
def test_the_fused_classifier_takes_the_better_part(probed, strength, of_features):
    metrics = probed(strength, of_features)
    assert accuracy(metrics, "fused") > 0.9
    assert (accuracy(metrics, "logistic") > 0.9) == (strength > 0)


def test_what_fused_needs_is_demanded(split, tmp_path):
    vectors = write_embeddings(tmp_path / "embeddings.parquet")
    with pytest.raises(InputError, match="expected the predictions of features_forest"):
        fit_probes(vectors, split, tmp_path / "probes", models=["fused"], tags=OF_ENCODER, **COMMON)


def test_training_objects_are_predicted_by_models_without_them(split, tmp_path):
    on_features = predict_from_features(split, tmp_path)
    chosen = (pl.col("fold") == 1) & (pl.col("spc") == 20) & pl.col("subset").is_in(["train", "validation"])
    learned = pl.read_parquet(split).filter(chosen)
    table = read_predictions(on_features, CLASSES, model="features_forest", fold=1, spc=20, subset="held_out")
    assert sorted(table["id"]) == sorted(learned["id"])


@pytest.mark.parametrize("fewer", [3, 4, 5])
def test_the_fused_classifier_needs_no_more_objects_than_the_smallest_spc(fewer, tmp_path):
    """Five objects of a class, and of a short one as many as a dataset needs at least: fewer than held-out parts."""
    learned = [*range(10, 20, 2), *range(11, 11 + 2 * fewer, 2)]
    sets = [("test", None, range(10)), ("train", 5, learned[2:]), ("validation", 5, learned[:2])]
    rows = [(1, size, subset, f"star {star:02d}", star % 2) for subset, size, stars in sets for star in stars]
    schema = {"fold": pl.Int32, "spc": pl.Int32, "subset": pl.String, "id": pl.String, "label": pl.Int32}
    pl.DataFrame(rows, schema=schema, orient="row").write_parquet(tmp_path / "split.parquet")
    fit_probes(
        write_embeddings(tmp_path / "embeddings.parquet"),
        tmp_path / "split.parquet",
        tmp_path / "probes",
        on_features=predict_from_features(tmp_path / "split.parquet", tmp_path, spc=[5]),
        models=["fused"],
        tags=OF_ENCODER,
        **COMMON | {"spc": [5]},
    )
    assert set(read_metrics(tmp_path / "probes/metrics.csv")["spc"]) == {5}


def test_features_tell_what_they_hold(controlled, tmp_path):
    kinds = {"statistics_forest": ["statistics", "forest"], "period_logistic": ["period", "logistic"]}
    metrics = controlled({**kinds, "features_forest": ["features", "forest"]})
    assert set(metrics["kind"]) == {"classical"}
    assert metrics["encoder"].null_count() == metrics["state"].null_count() == len(metrics)
    assert accuracy(metrics, "statistics_forest") < 0.8
    assert accuracy(metrics, "period_logistic") > 0.9
    assert accuracy(metrics, "features_forest") > 0.9
    importances = pl.read_csv(tmp_path / "controls/importances.csv")
    best = importances.filter(pl.col("model") == "features_forest").sort("importance").tail(1)
    assert best["input"].item() == "eta_folded"
    sums = importances.group_by("model", "spc").agg(pl.col("importance").sum())["importance"]
    assert sums.to_list() == pytest.approx([1] * 6)
    imputed = pl.read_csv(tmp_path / "controls/imputed.csv")
    assert set(imputed["input"]) <= {"lc_eta"}


def test_controls_have_nothing_left_to_learn(controlled, tmp_path):
    forest = ["features", "forest"]
    wrong = write_features(tmp_path / "wrong", signal_to_noise=0.0)
    models = {"features_forest": forest, "shuffled_labels": forest, "wrong_period": forest}
    metrics = controlled(models, wrong_period=wrong)
    kinds = dict(metrics.select("model", "kind").unique().iter_rows())
    assert kinds == {"features_forest": "classical", "shuffled_labels": "control", "wrong_period": "control"}
    assert accuracy(metrics, "features_forest") > 0.9
    assert accuracy(metrics, "shuffled_labels") < 0.8
    assert accuracy(metrics, "wrong_period") < 0.8


def test_a_star_without_a_vector_is_named(split, tmp_path):
    embeddings().filter(pl.col("id") != "star 41").write_parquet(tmp_path / "embeddings.parquet")
    with pytest.raises(InputError, match="such as star 41"):
        fit_probes(
            tmp_path / "embeddings.parquet", split, tmp_path / "probes", models=["logistic"], tags=TAGS, **COMMON
        )
