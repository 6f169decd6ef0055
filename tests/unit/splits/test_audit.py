"""The audit finds every kind of leak that is planted, and passes what the splits draw."""

import numpy as np
import polars as pl
import pytest

from astromer.config.datasets import Dataset
from astromer.errors import InputError
from astromer.splits.audit import audit, leaks
from astromer.splits.draw import number_stars, split_dataset, split_pretraining

ARCSEC = 1 / 3600


@pytest.fixture(scope="module")
def run():
    """Pretraining set, dataset sets and metadata of 600 stars, of which 50 stand in a second survey as well."""
    rng = np.random.default_rng(0)
    deep = pl.DataFrame(
        {
            "survey": "deep",
            "id": [f"d{i:04d}" for i in range(600)],
            "class": ["EC", "RRab", "LPV"] * 200,
            "ra": rng.uniform(0, 360, 600),
            "dec": rng.uniform(-80, 80, 600),
        }
    )
    wide = deep.head(50).with_columns(survey=pl.lit("wide"), id="w" + pl.col("id"), dec=pl.col("dec") + 0.5 * ARCSEC)
    metadata = number_stars(pl.concat([deep, wide]), 2.0)
    dataset = Dataset(survey="deep", classes=["EC", "RRab", "LPV"], folds=2, spc=[5, 20], test_per_class=40)
    sets = split_dataset(metadata, dataset, name="d", seed=1)
    test_stars = sets.filter(pl.col("subset") == "test")["star"]
    pretraining = split_pretraining(metadata, test_stars, validation_fraction=0.2, test_fraction=0.1, seed=1)
    return pretraining, sets.with_columns(survey=pl.lit("deep")), metadata.drop("star", "class")


def test_what_the_splits_draw_passes(run):
    pretraining, sets, metadata = run
    table = audit(pretraining, {"d": sets}, metadata, 2.0)
    assert table["leaks"].sum() == 0
    assert table.height == 2 + 2 * 3
    assert table.select(pl.min_horizontal("learned", "tested").min()).item() > 0


def test_finds_a_test_object_in_pretraining(run):
    pretraining, sets, metadata = run
    stray = sets.filter(pl.col("subset") == "test").head(1)
    planted = pl.concat(
        [pretraining.select("survey", "id", "subset"), stray.select("survey", "id", subset=pl.lit("train"))]
    )
    with pytest.raises(
        InputError, match=rf"pretraining \| d, test of all folds: deep {stray['id'][0]} is deep {stray['id'][0]}"
    ):
        audit(planted, {"d": sets}, metadata, 2.0)


def test_finds_the_same_star_of_another_survey(run):
    pretraining, sets, metadata = run
    twins = sets.filter(pl.col("subset") == "test").with_columns(id="w" + pl.col("id"), survey=pl.lit("wide"))
    twin = twins.join(metadata, on=["survey", "id"], how="semi").head(1)
    planted = pl.concat(
        [pretraining.select("survey", "id", "subset"), twin.select("survey", "id", subset=pl.lit("train"))]
    )
    with pytest.raises(InputError, match=rf"wide {twin['id'][0]} is deep {twin['id'][0][1:]}"):
        audit(planted, {"d": sets}, metadata, 2.0)
    assert audit(planted, {"d": sets}, metadata, 0.0)["leaks"].sum() == 0, "a radius of 0 compares ids alone"


@pytest.mark.parametrize(("subset", "named"), [("test", "all SPC | test"), ("validation", "train | validation")])
def test_finds_an_object_on_both_sides_of_a_fold(run, subset, named):
    pretraining, sets, metadata = run
    chosen = (pl.col("fold") == 1) & (pl.col("subset") == subset)
    stray = sets.filter(chosen & (pl.col("spc").is_null() | (pl.col("spc") == 20))).head(1)
    planted = stray.with_columns(subset=pl.lit("train"), spc=pl.lit(20, pl.Int32))
    with pytest.raises(InputError) as error:
        audit(pretraining, {"d": pl.concat([sets, planted])}, metadata, 2.0)
    assert named in str(error.value)
    assert stray["id"][0] in str(error.value)


def test_separation_is_measured_on_the_sky():
    one = pl.DataFrame({"survey": ["a"], "id": ["1"], "ra": [10.0], "dec": [60.0]})
    other = pl.DataFrame({"survey": ["b", "b"], "id": ["x", "y"], "ra": [10.0 + 2 * ARCSEC, 10.0], "dec": [60.0, 61.0]})
    found = leaks(one, other, 1.5)
    assert found["tested_id"].to_list() == ["x"]
    assert found["separation_arcsec"][0] == pytest.approx(1.0, abs=1e-3)
