"""Datasets and classifiers."""

import pytest

from astromer.config.datasets import Baseline, Classification, Dataset, Head
from astromer.errors import InputError


def test_defaults_of_a_dataset_are_those_of_the_paper():
    dataset = Dataset.read({"survey": "sky", "classes": ["EC", "RRab"]}, "datasets.sky")
    assert (dataset.folds, dataset.spc, dataset.test_per_class) == (3, [20, 100, 500], 100)
    assert (dataset.short_classes, dataset.role) == ("error", None)
    assert Dataset.read(dataset.plain()) == dataset


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"classes": ["EC"]}, "classes: has a length of 1; expected at least 2"),
        ({"classes": ["EC", "EC"]}, "classes: holds a value twice: ['EC', 'EC']"),
        ({"classes": ["EC", 3]}, "classes.1: is 3; expected a valid string"),
        ({"spc": []}, "spc: has a length of 0; expected at least 1"),
        ({"spc": [20, 20]}, "spc: holds a value twice: [20, 20]"),
        ({"spc": [20, 4]}, "spc.1: is 4; expected greater than or equal to 5"),
        ({"folds": 0}, "folds: is 0; expected greater than or equal to 1"),
        ({"test_per_class": 0}, "test_per_class: is 0"),
        ({"short_classes": "drop"}, "short_classes: is 'drop'; expected 'error' or 'cap'"),
        ({"role": "indomain"}, "role: is 'indomain'; expected 'in-domain' or 'out-of-domain'"),
        ({"fold": 3}, "fold: unknown key; did you mean folds?"),
    ],
)
def test_a_wrong_key_of_a_dataset_is_named(changes, line):
    with pytest.raises(InputError) as error:
        Dataset.read({"survey": "sky", "classes": ["EC", "RRab"], **changes}, "datasets.sky")
    assert str(error.value).startswith(f"datasets.sky: {line}")
    assert "\n" not in str(error.value)


def test_the_name_of_a_classifier_is_that_of_its_module_unless_it_names_one():
    content = {
        "heads": {"skip": None, "avg": {"variant": "released"}, "Skip-2": {"head": "skip"}},
        "baselines": {"base_gru": {}, "raw": {"baseline": "raw_gru", "variant": "released"}},
    }
    read = Classification.read(content, "classification")
    assert read.heads == {
        "skip": Head(head="skip"),
        "avg": Head(head="avg", variant="released"),
        "Skip-2": Head(head="skip"),
    }
    assert read.baselines == {
        "base_gru": Baseline(baseline="base_gru"),
        "raw": Baseline(baseline="raw_gru", variant="released"),
    }
    assert Classification.read(read.plain()) == read


def test_embeddings_contain_what_the_heads_read():
    def read(**heads):
        return Classification.read({"heads": heads, "probes": []}, "classification")

    assert (read(max={}).arrays, read(max={}).reads_padding) == (["max", "mean"], False)
    attention = read(skip={}, att_avg={}, att_cls={})
    assert (attention.arrays, attention.reads_padding) == (["mean", "sequence", "valid"], False)
    released = read(avg={"variant": "released"}, skip={"variant": "released"})
    assert (released.arrays, released.reads_padding) == (["mean", "padding"], True)
    assert not read(skip={"variant": "released"}).reads_padding
    assert read(att_cls={"variant": "released"}).reads_padding


@pytest.mark.parametrize("probed", [{"probes": ["logistic"]}, {"probes": [], "fused": True}])
def test_embeddings_contain_what_the_classical_models_read(probed):
    read = Classification.read({"heads": {"att_avg": {}}, **probed}, "classification")
    assert read.arrays == ["log_scale", "max", "mean", "sequence", "std", "valid"]


def test_classical_models_have_names_of_their_own():
    content = {"probes": ["logistic", "forest"], "fused": True, "features": ["period", "features"]}
    read = Classification.read({**content, "controls": ["wrong_period"]}, "classification")
    assert read.probe_models == ["logistic", "forest", "fused"]
    assert read.control_models == {
        "period_forest": ("period", "forest"),
        "features_forest": ("features", "forest"),
        "wrong_period": ("features", "forest"),
    }


@pytest.mark.parametrize("without", [{"features": ["statistics"]}, {"classical": ["logistic"]}])
def test_fused_needs_a_forest_on_features(without):
    with pytest.raises(InputError, match="fused needs a forest on all features"):
        Classification.read({"fused": True, **without}, "classification")


@pytest.mark.parametrize(
    "content",
    [
        {"heads": {"logistic": {"head": "skip"}}},
        {"heads": {"fused": {"head": "skip"}}, "fused": True},
        {"heads": {"raw_gru": {"head": "skip"}}},
        {"baselines": {"statistics_forest": {"baseline": "raw_gru"}}},
        {"baselines": {"shuffled_labels": {"baseline": "raw_gru"}}, "controls": ["shuffled_labels"]},
    ],
)
def test_two_classifiers_of_one_name_are_refused(content):
    with pytest.raises(InputError, match=r"^classification: .*stands for two classifiers") as error:
        Classification.read(content, "classification")
    assert "\n" not in str(error.value)


def test_a_head_may_have_widths_of_its_own():
    read = Classification.read({"heads": {"skip": {}, "avg": {"hidden_units": []}}, "hidden_units": [8]})
    assert [read.hidden_units_of(head) for head in read.heads] == [[8], []]


def test_defaults_of_classification():
    read = Classification.read({}, "classification")
    assert (list(read.heads), list(read.baselines)) == (["skip"], ["raw_gru"])
    assert (read.hidden_units, read.gru_units) == ([1024, 512, 256], 256)


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (
            {"heads": {"skp": {}}},
            "heads.skp: head is 'skp'; expected one of att_avg, att_cls, avg, linear, max, msx, skip; did you mean "
            "skip?",
        ),
        (
            {"heads": {"a": {"head": "skp"}}},
            "heads.a.head: head is 'skp'; expected one of att_avg, att_cls, avg, linear, max, msx, skip",
        ),
        ({"heads": {"skip": {"variant": "old"}}}, "heads.skip.variant: is 'old'; expected 'paper' or 'released'"),
        ({"heads": {"skip": 3}}, "heads.skip: is 3; expected a valid dictionary"),
        (
            {"heads": {"skip": {"units": 3}}},
            "heads.skip.units: unknown key; known: head, variant, standardise, hidden_units",
        ),
        ({"heads": ["skip"]}, "heads: is ['skip']; expected a valid dictionary"),
        ({"heads": {"a head": {"head": "skip"}}}, "heads.a head: String should match pattern"),
        (
            {"baselines": {"gru": {}}},
            "baselines.gru: baseline is 'gru'; expected one of base_avgpool, base_gru, raw_gru",
        ),
        ({"hidden_units": [256, 0]}, "hidden_units.1: is 0"),
        ({"gru_units": 0}, "gru_units: is 0"),
        ({"probes": ["trees"]}, "probes.0: is 'trees'; expected 'forest' or 'logistic'"),
        ({"features": ["period", "period"]}, "features: holds a value twice"),
        ({"controls": ["shuffled"]}, "controls.0: is 'shuffled'"),
    ],
)
def test_a_wrong_classifier_is_named(content, line):
    with pytest.raises(InputError) as error:
        Classification.read(content, "classification")
    assert str(error.value).startswith(f"classification: {line}")
    assert "\n" not in str(error.value)
