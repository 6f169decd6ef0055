"""Sets of objects: right sizes, no overlap, and the same whatever the order of the catalogue."""

from collections import Counter

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from astromer.config.datasets import Dataset
from astromer.errors import InputError
from astromer.splits.draw import count_objects, number_stars, sets_of, split_dataset, split_pretraining

CLASSES = ["EC", "RRab", "LPV"]


def survey(counts, name="sky", seed=0):
    rng = np.random.default_rng(seed)
    labels = [label for label, count in counts.items() for _ in range(count)]
    table = pl.DataFrame(
        {
            "id": [f"star-{i:05d}" for i in range(len(labels))],
            "survey": name,
            "class": labels,
            "ra": rng.uniform(0, 360, len(labels)),
            "dec": rng.uniform(-80, 80, len(labels)),
        }
    )
    return number_stars(table, 1.0)


def dataset(**changes):
    values = {"survey": "sky", "classes": CLASSES, "folds": 2, "spc": [5, 20], "test_per_class": 30}
    return Dataset(**values | changes)


def draw(objects, section, *, seed):
    return split_dataset(objects, section, name="d", seed=seed)


@given(
    counts=st.fixed_dictionaries({label: st.integers(21, 80) for label in CLASSES}),
    spc=st.sampled_from([[5], [20], [5, 10, 20]]),
    seed=st.integers(0, 2**31),
)
def test_sizes_and_disjointness(counts, spc, seed):
    table = draw(survey(counts), dataset(spc=spc), seed=seed)
    for fold in range(2):
        of_fold = table.filter(pl.col("fold") == fold)
        test = of_fold.filter(pl.col("subset") == "test")
        assert Counter(test["class"]) == {name: min(30, count - max(spc)) for name, count in counts.items()}
        for size in spc:
            learned = of_fold.filter(pl.col("spc") == size)
            assert Counter(learned["class"]) == dict.fromkeys(CLASSES, size)
            train = learned.filter(pl.col("subset") == "train")
            assert Counter(train["class"]) == dict.fromkeys(CLASSES, round(0.8 * size))
            ids = [*learned["id"], *test["id"]]
            assert len(set(ids)) == len(ids), "an object stands in two sets of one fold and SPC"
    assert dict(table.select("class", "label").unique().iter_rows()) == {name: i for i, name in enumerate(CLASSES)}


def test_order_of_the_catalogue_does_not_matter():
    objects = survey({"EC": 60, "RRab": 50, "LPV": 40})
    expected = draw(objects, dataset(), seed=3)
    assert draw(objects.sample(fraction=1, shuffle=True, seed=1), dataset(), seed=3).equals(expected)


def test_added_objects_push_others_back_but_do_not_reorder_them():
    objects = survey({"EC": 60, "RRab": 60, "LPV": 60})
    added = survey({"EC": 1, "RRab": 2}, seed=5).with_columns(
        pl.format("new-{}", "id").alias("id"), pl.col("star") + 9999
    )
    before, after = (draw(table, dataset(folds=1), seed=3) for table in (objects, pl.concat([objects, added])))
    for spc, subset in ((5, "train"), (20, "validation"), (None, "test")):
        of_set = pl.col("spc").eq_missing(spc) & (pl.col("subset") == subset)
        lost = before.filter(of_set).join(after.filter(of_set), on="id", how="anti")
        counts = Counter(lost["class"])
        assert counts["EC"] <= 1
        assert counts["RRab"] <= 2
        assert counts["LPV"] == 0, "a class that got no new object keeps all its sets"


def test_rows_of_a_set_are_those_of_its_objects_in_their_order():
    table = draw(survey(dict.fromkeys(CLASSES, 60)), dataset(), seed=0)
    rows = pl.concat([table.select("id").unique()] * 2).sample(fraction=1, shuffle=True, seed=1).with_row_index()
    found = sets_of(rows, table, fold=1, spc=5)
    assert list(found) == ["train", "validation", "test"]
    for subset, of_set in found.items():
        of_fold = table.filter(pl.col("fold") == 1, pl.col("subset") == subset)
        expected = of_fold.filter(pl.col("spc").eq_missing(None if subset == "test" else 5))
        assert Counter(of_set["id"]) == dict.fromkeys(expected["id"], 2)
        assert of_set["index"].is_sorted()
    other = sets_of(rows, table, fold=1, spc=20)
    assert other["test"].equals(found["test"])
    assert other["train"].height == 4 * found["train"].height


def test_an_object_without_a_row_is_named():
    table = draw(survey(dict.fromkeys(CLASSES, 60)), dataset(), seed=0)
    lacking = table.filter(pl.col("fold") == 0, pl.col("spc") == 5)["id"].min()
    rows = table.select("id").unique().filter(pl.col("id") != lacking)
    with pytest.raises(InputError, match=rf"fold 0, SPC 5: 1 objects have no row, such as {lacking}"):
        sets_of(rows, table, fold=0, spc=5)


def test_folds_and_seeds_differ():
    objects = survey(dict.fromkeys(CLASSES, 100))
    one, other = (draw(objects, dataset(), seed=seed) for seed in (1, 2))
    test_sets = [
        set(table.filter((pl.col("fold") == fold) & (pl.col("subset") == "test"))["id"])
        for table in (one, other)
        for fold in (0, 1)
    ]
    assert len({frozenset(ids) for ids in test_sets}) == 4


def test_smaller_spc_is_part_of_a_larger_one():
    table = draw(survey(dict.fromkeys(CLASSES, 60)), dataset(), seed=0).filter(pl.col("fold") == 0)
    small, large = (set(table.filter(pl.col("spc") == spc)["id"]) for spc in (5, 20))
    assert small < large


def test_class_without_objects_is_named_with_the_known_ones():
    objects = survey(dict.fromkeys(CLASSES, 60))
    with pytest.raises(InputError, match=r"datasets\.d\.classes: .*class Mira; its classes are EC, LPV, RRab"):
        draw(objects, dataset(classes=["EC", "Mira"]), seed=0)


def test_all_classes_that_are_too_small_are_listed():
    with pytest.raises(InputError, match=r"datasets\.d\.spc: 20 samples .*too few in EC \(20\), LPV \(7\)"):
        draw(survey({"EC": 20, "RRab": 60, "LPV": 7}), dataset(), seed=0)


def test_star_with_two_entries_takes_part_once():
    objects = survey(dict.fromkeys(CLASSES, 30))
    twins = objects.with_columns(pl.col("id") + "-again")
    both = number_stars(pl.concat([objects, twins]).drop("star"), 1.0)
    table = draw(both, dataset(spc=[20], folds=1), seed=0)
    assert not table["id"].str.ends_with("-again").any()
    assert table["star"].n_unique() == table.height


def test_pretraining_leaves_out_test_stars_also_of_other_surveys():
    deep = survey(dict.fromkeys(CLASSES, 60))
    wide = deep.head(40).with_columns(survey=pl.lit("wide"), id="w" + pl.col("id"), ra=pl.col("ra") + 1e-5)
    objects = number_stars(pl.concat([deep, wide]).drop("star"), 1.0)
    test_stars = draw(objects, dataset(), seed=0).filter(pl.col("subset") == "test")["star"]
    learned = split_pretraining(objects, test_stars, validation_fraction=0.2, test_fraction=0.1, seed=0)
    assert not set(learned["star"]) & set(test_stars)
    assert set(learned["survey"]) == {"sky", "wide"}
    assert learned.group_by("star").agg(pl.col("subset").n_unique())["subset"].max() == 1


def test_pretraining_fractions_and_order():
    objects = survey({"EC": 1000})
    nothing = pl.Series("star", [], dtype=objects["star"].dtype)
    options = {"validation_fraction": 0.2, "test_fraction": 0.1, "seed": 5}
    table = split_pretraining(objects, nothing, **options)
    assert Counter(table["subset"]) == {"train": 700, "validation": 200, "test": 100}
    shuffled = objects.sample(fraction=1, shuffle=True, seed=2)
    columns = ["survey", "id", "subset"]
    assert split_pretraining(shuffled, nothing, **options).select(columns).equals(table.select(columns))


def test_too_few_stars_to_pretrain():
    objects = survey({"EC": 3})
    with pytest.raises(InputError, match="3 stars are too few"):
        split_pretraining(
            objects, pl.Series([], dtype=objects["star"].dtype), validation_fraction=0.2, test_fraction=0.1, seed=0
        )


def test_short_classes_are_capped_and_counted():
    capped = dataset(short_classes="cap", test_per_class=30)
    table = draw(survey({"EC": 100, "RRab": 21, "LPV": 8}), capped, seed=0)
    counts = count_objects(table, capped, name="d")
    sizes = {
        (row["spc"], row["subset"], row["class"]): row["objects"]
        for row in counts.filter(pl.col("fold") == 0).iter_rows(named=True)
    }
    assert [sizes[None, "test", name] for name in CLASSES] == [30, 10, 4]
    assert [sizes[20, "train", name] for name in CLASSES] == [16, 9, 3]
    assert [sizes[20, "validation", name] for name in CLASSES] == [4, 2, 1]
    assert [sizes[5, "train", name] for name in CLASSES] == [4, 4, 3]
    short = counts.filter(pl.col("objects") < pl.col("asked"))
    assert set(short["class"]) == {"RRab", "LPV"}


@pytest.mark.parametrize("size", [4, 5, 6])
def test_the_smallest_capped_class_has_all_sets(size):
    table = draw(survey({"EC": 60, "RRab": 60, "LPV": size}), dataset(short_classes="cap"), seed=0)
    assert set(table.filter(pl.col("class") == "LPV")["subset"]) == {"train", "validation", "test"}


def test_class_that_cannot_even_be_capped():
    with pytest.raises(InputError, match=r"too few in LPV \(3\)"):
        draw(survey({"EC": 60, "RRab": 60, "LPV": 3}), dataset(short_classes="cap"), seed=0)
