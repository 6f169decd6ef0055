"""The audit finds every kind of leak that is planted, and passes what the splits draw."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from astromer.config.datasets import Dataset
from astromer.errors import InputError
from astromer.splits.audit import audit, same_star
from astromer.splits.draw import number_stars, split_dataset, split_pretraining
from astromer.splits.stars import star_numbers

ARCSEC = 1 / 3600
SPACES = {"deep": "shared", "copy": "shared"}


@pytest.fixture(scope="module")
def run():
    """Pretraining set, dataset sets and metadata of 600 stars.

    50 of them stand in the survey `wide`, too, under other ids and 0.5 arcsec away, and 50 in `copy`, under their ids
    and without positions.
    """
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
    nowhere = pl.lit(None, pl.Float64)
    copy = deep.slice(100, 50).with_columns(survey=pl.lit("copy"), ra=nowhere, dec=nowhere)
    metadata = number_stars(pl.concat([deep, wide, copy]), 2.0, SPACES)
    dataset = Dataset(survey="deep", classes=["EC", "RRab", "LPV"], folds=2, spc=[5, 20], test_per_class=40)
    sets = split_dataset(metadata, dataset, name="d", seed=1)
    test_stars = sets.filter(pl.col("subset") == "test")["star"]
    pretraining = split_pretraining(metadata, test_stars, validation_fraction=0.2, test_fraction=0.1, seed=1)
    return pretraining, sets.with_columns(survey=pl.lit("deep")), metadata.drop("star", "class")


def objects_tested(run, survey=None):
    """Test objects, or those of them that stand in another survey, under its id."""
    _, sets, metadata = run
    stars = sets.filter(pl.col("subset") == "test").select("survey", "id").unique(maintain_order=True)
    if survey is None:
        return stars
    prefix = "w" if survey == "wide" else ""
    twins = stars.with_columns(survey=pl.lit(survey), id=prefix + pl.col("id"))
    return twins.join(metadata, on=["survey", "id"], how="semi")


def planted(run, strays):
    drawn = run[0].select("survey", "id", pl.col("subset").cast(pl.String))
    return pl.concat([drawn, strays.head(1).with_columns(subset=pl.lit("train"))])


def test_what_the_splits_draw_passes(run):
    pretraining, sets, metadata = run
    table = audit(pretraining, {"d": sets}, metadata, 2.0, SPACES)
    assert table.filter(pl.col("status") == "clean")["leaks"].sum() == 0
    assert table["status"].to_list().count("clean") == 2 + 2 * 3
    assert table.filter(pl.col("status") == "clean").select(pl.min_horizontal("learned", "tested").min()).item() > 0


def test_training_of_other_folds_is_allowed_and_counted(run):
    pretraining, sets, metadata = run
    table = audit(pretraining, {"d": sets}, metadata, 2.0, SPACES).filter(pl.col("status") == "allowed")
    is_test = pl.col("subset") == "test"
    for fold in (0, 1):
        learned = sets.filter(~is_test & (pl.col("fold") != fold))["id"]
        shared = set(learned) & set(sets.filter(is_test & (pl.col("fold") == fold))["id"])
        row = table.filter(pl.col("boundary") == f"d: training of other folds | test of fold {fold}")
        assert row["leaks"].item() == len(shared) > 0


def test_finds_a_test_object_in_pretraining(run):
    stray = objects_tested(run)
    name = stray["id"][0]
    with pytest.raises(InputError, match=rf"pretraining \| d, test of all folds: deep {name} is deep {name}"):
        audit(planted(run, stray), {"d": run[1]}, run[2], 2.0, SPACES)


def test_finds_the_same_id_in_another_survey_of_the_id_space(run):
    twin = objects_tested(run, "copy")
    with pytest.raises(InputError, match=rf"copy {twin['id'][0]} is deep {twin['id'][0]}"):
        audit(planted(run, twin), {"d": run[1]}, run[2], 0.0, SPACES)
    table = audit(planted(run, twin), {"d": run[1]}, run[2], 0.0, {})
    assert table.filter(pl.col("status") == "clean")["leaks"].sum() == 0, "without an id space the ids mean nothing"


def test_finds_the_same_position_in_another_survey(run):
    twin = objects_tested(run, "wide")
    with pytest.raises(InputError, match=rf"wide {twin['id'][0]} is deep {twin['id'][0][1:]}"):
        audit(planted(run, twin), {"d": run[1]}, run[2], 2.0, SPACES)
    table = audit(planted(run, twin), {"d": run[1]}, run[2], 0.0, SPACES)
    assert table.filter(pl.col("status") == "clean")["leaks"].sum() == 0, "a radius of 0 compares ids alone"


def test_finds_a_star_by_a_chain_of_position_and_id(run):
    """`far` matches the test object only through `wide`, which is in neither set."""
    _, sets, metadata = run
    twin = objects_tested(run, "wide").head(1)
    place = twin.join(metadata, on=["survey", "id"])
    far = place.with_columns(survey=pl.lit("far"), dec=pl.col("dec") + 1.8 * ARCSEC)
    with pytest.raises(InputError, match=rf"far {twin['id'][0]} is deep {twin['id'][0][1:]}"):
        audit(planted(run, far.select("survey", "id")), {"d": sets}, pl.concat([metadata, far]), 2.0, SPACES)


@pytest.mark.parametrize(("subset", "named"), [("test", "all SPC | test"), ("validation", "train | validation")])
def test_finds_an_object_on_both_sides_of_a_fold(run, subset, named):
    pretraining, sets, metadata = run
    chosen = (pl.col("fold") == 1) & (pl.col("subset") == subset)
    stray = sets.filter(chosen & (pl.col("spc").is_null() | (pl.col("spc") == 20))).head(1)
    both = pl.concat([sets, stray.with_columns(subset=pl.lit("train"), spc=pl.lit(20, pl.Int32))])
    with pytest.raises(InputError) as error:
        audit(pretraining, {"d": both}, metadata, 2.0, SPACES)
    assert named in str(error.value)
    assert stray["id"][0] in str(error.value)


def test_surveys_that_nothing_can_match_are_reported(run):
    pretraining, sets, metadata = run
    learned = pretraining.group_by("survey").len()
    for radius, spaces, unmatched in (
        (2.0, SPACES, {}),
        (2.0, {}, {"copy": 0}),
        (0.0, SPACES, {"wide": objects_tested(run).height}),
    ):
        table = audit(pretraining, {"d": sets}, metadata, radius, spaces).filter(pl.col("status") == "unmatched")
        names = {f"pretraining: {survey} | d: deep": number for survey, number in unmatched.items()}
        assert dict(table.select("boundary", "tested").iter_rows()) == names
        assert table["learned"].to_list() == [dict(learned.iter_rows())[survey] for survey in unmatched]


def test_stars_that_an_imported_encoder_has_seen_are_counted(run):
    pretraining, sets, metadata = run
    tested = objects_tested(run).join(metadata, on=["survey", "id"])
    place = pl.col("dec") + 0.5 * ARCSEC
    by_place = tested.head(3).with_columns(survey=pl.lit("elsewhere"), id="e" + pl.col("id"), dec=place)
    by_id = tested.slice(3, 2).with_columns(ra=pl.lit(None, pl.Float64))
    others = pretraining.join(metadata, on=["survey", "id"]).filter(pl.col("survey") == "deep").head(10)
    columns = ["survey", "id", "ra", "dec"]
    imported = {
        "both": pl.concat([table.select(columns) for table in (by_place, by_id, others)]),
        "neither": others.select(columns),
        "unknown": None,
    }
    table = audit(pretraining, {"d": sets}, metadata, 2.0, SPACES, imported)
    found = {row["boundary"]: row for row in table.filter(pl.col("boundary").str.contains("own")).iter_rows(named=True)}
    boundary = "{}'s own pretraining | d, test of all folds"
    assert [found[boundary.format(name)]["status"] for name in imported] == ["seen", "clean", "unmatched"]
    assert [found[boundary.format(name)]["leaks"] for name in imported] == [5, 0, None]
    without = audit(pretraining, {"d": sets}, metadata, 2.0, SPACES)
    assert table.filter(~pl.col("boundary").str.contains("own")).equals(without)


def test_a_class_without_test_objects_is_an_error(run):
    pretraining, sets, metadata = run
    untested = (pl.col("fold") == 1) & (pl.col("subset") == "test") & (pl.col("class") == "LPV")
    with pytest.raises(InputError, match="d, fold 1: there is no test object of class LPV"):
        audit(pretraining, {"d": sets.filter(~untested)}, metadata, 2.0, SPACES)


def test_an_object_that_the_metadata_lack_is_an_error(run):
    stranger = pl.DataFrame({"survey": ["deep"], "id": ["d9999"]})
    with pytest.raises(InputError, match="deep d9999 is not in the metadata"):
        audit(planted(run, stranger), {"d": run[1]}, run[2], 2.0, SPACES)


@given(
    rows=st.lists(
        st.tuples(
            st.sampled_from(["a", "b", "c"]),
            st.sampled_from("xyz"),
            st.one_of(st.none(), st.integers(-4, 4)),
            st.integers(0, 3),
            st.sampled_from([0.0, 60.0, 89.9995]),
        ),
        min_size=1,
        max_size=12,
    )
)
def test_decides_as_the_splits_do_by_code_of_its_own(rows):
    """Entries a few arcsec apart across zero right ascension, near the pole, with and without positions."""
    table = pl.DataFrame(
        [
            (survey, name, None if ra is None else (ra * ARCSEC) % 360, dec + north * 1.4 * ARCSEC)
            for survey, name, ra, north, dec in rows
        ],
        schema={"survey": pl.String, "id": pl.String, "ra": pl.Float64, "dec": pl.Float64},
        orient="row",
    )
    for radius, spaces in ((0.0, {}), (1.5, {"a": "s", "b": "s"})):
        one, other = star_numbers(table, radius, spaces), same_star(table, radius, spaces)
        np.testing.assert_array_equal(one[:, None] == one, other[:, None] == other)
