"""A whole run: references between sections, the file that an error names, and what is generated from the models."""

import copy
import json
import runpy
from pathlib import Path

import pytest
import yaml

from astromer.config.encoders import ImportedEncoder
from astromer.config.run import Run, read_run
from astromer.errors import InputError

ROOT = Path(__file__).resolve().parents[3]
SURVEYS = {
    "sim": {"format": "simulated", "simulated": {"style": "macho", "objects": 10, "classes": ["EC", "RRab"]}},
    "sky": {"format": "macho", "source": "macho"},
    "unused": {"format": "macho", "source": "other"},
}
WEIGHTS = {"macho-v1": {"architecture": "v1", "url": "https://a.b/c.zip", "file": "c.zip", "sha256": "0" * 64}}
CONTENT = {
    "run": "test",
    "surveys": SURVEYS,
    "weights": WEIGHTS,
    "pretraining": {"surveys": ["sky"]},
    "encoders": {"ours": {"architecture": "v2"}, "theirs": {"weights": "macho-v1"}},
    "datasets": {
        "sky_known": {"survey": "sky", "classes": ["EC", "RRab"]},
        "simulated": {"survey": "sim", "classes": ["EC", "RRab"]},
        "asked": {"survey": "sim", "classes": ["EC", "RRab"], "role": "in-domain"},
    },
}


def changed(*path_and_value):
    """`CONTENT` with another value at a path."""
    *path, last, value = path_and_value
    content = copy.deepcopy(CONTENT)
    section = content
    for key in path:
        section = section[key]
    section[last] = value
    return content


def problems(content, *arguments):
    with pytest.raises(InputError) as error:
        read_run(content, *arguments)
    return str(error.value).split("\n")


def load(name):
    return yaml.safe_load((ROOT / "config" / name).read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("learned", "behind", "simulated"),
    [
        ("sky", {"datasets": ["sky_known"], "encoders": ["ours"]}, []),
        ("sky", {"datasets": ["simulated"], "encoders": ["ours"]}, ["sim"]),
        ("sim", {"datasets": ["sky_known"], "encoders": ["ours"]}, ["sim"]),
        ("sim", {"datasets": ["sky_known"], "encoders": ["theirs"]}, []),
        ("sim", {"datasets": ["sky_known"]}, []),
        ("sky", {"surveys": ["sim", "unused"]}, ["sim"]),
    ],
)
def test_simulated_surveys_behind_a_job(learned, behind, simulated):
    run = read_run(changed("pretraining", "surveys", [learned]))
    assert run.simulated_behind(**behind) == simulated


def test_what_sections_say_of_each_other():
    run = read_run(CONTENT)
    assert run.used_surveys == ["sky", "sim"]
    assert run.simulated_surveys == ["sim"]
    assert run.imported_encoders == {"theirs": ImportedEncoder(weights="macho-v1")}
    assert run.trained_encoders == ["ours"]
    assert [run.architecture_of(name) for name in run.encoders] == ["v2", "v1"]
    assert [run.role_of(name) for name in run.datasets] == ["in-domain", "out-of-domain", "in-domain"]
    assert run.survey_of("simulated") is run.surveys["sim"]
    assert run.weights_of("theirs") is run.weights["macho-v1"]


@pytest.mark.parametrize(
    ("path", "value", "line"),
    [
        (("pretraining", "training"), {"epoch": 3}, "pretraining.training.epoch: unknown key; did you mean epochs?"),
        (("seed",), "seven", "seed: is 'seven'; expected a valid integer"),
        (("seed",), 2**32 - 1, "seed: is 4294967295; expected less than 2147483648"),
        (("encoders", "ours", "seed"), 2**40, "encoders.ours.seed: is 1099511627776; expected less than 2147483648"),
        (
            ("pretraining",),
            {"surveys": ["sky"], "validation_fraction": 0.5, "test_fraction": 0.5},
            "pretraining: validation_fraction 0.5 and test_fraction 0.5 leave nothing to train on; expected a sum",
        ),
        (("datasets", "asked", "spc"), ["ten"], "datasets.asked.spc.0: is 'ten'; expected a valid integer"),
        (("surveys", "sim", "simulated", "style"), "gaia", "surveys.sim.simulated.style: is 'gaia'; expected 'macho'"),
    ],
)
def test_a_wrong_key_or_value_of_a_run_is_one_line(path, value, line):
    (found,) = problems(changed(*path, value))
    assert found.startswith(line)


@pytest.mark.parametrize(
    ("path", "name", "line"),
    [
        (("pretraining", "surveys"), ["sky", "skye"], "pretraining.surveys.1: survey is 'skye'; expected one of sim, "),
        (("datasets", "asked", "survey"), "smi", "datasets.asked.survey: survey is 'smi'; expected one of sim, sky, "),
        (
            ("encoders", "theirs", "weights"),
            "macho-v2",
            "encoders.theirs.weights: weights is 'macho-v2'; expected one of",
        ),
    ],
)
def test_a_reference_to_nothing_is_named_with_the_known_ones(path, name, line):
    (found,) = problems(changed(*path, name), [("run.yaml", CONTENT)])
    assert found.startswith(f"run.yaml: {line}")
    assert "did you mean" in found


def test_all_wrong_references_are_listed():
    content = changed("pretraining", "surveys", ["a"]) | {"weights": {}}
    assert [line.partition(":")[0] for line in problems(content)] == [
        "pretraining.surveys.0",
        "encoders.theirs.weights",
    ]


@pytest.mark.parametrize(
    ("path", "value", "line"),
    [
        (("seed",), "42", "seed: is '42'; expected a valid integer"),
        (("run",), "a run", "run: String should match pattern"),
        (("windw",), 100, "windw: unknown key; did you mean window?"),
        (("window",), 1, "window: is 1; expected greater than or equal to 2"),
        (("surveys",), {}, "surveys: has a length of 0; expected at least 1"),
        (("surveys", "sky", "format"), "fits", "surveys.sky: the key `format` must be one of"),
        (("surveys", "sky", "macho"), {"bnd": "red"}, "surveys.sky.macho.bnd: unknown key; did you mean band?"),
        (("surveys", "unused"), {"format": "macho"}, "surveys.unused: a survey of format macho needs the key `source`"),
        (("surveys", "a sky"), SURVEYS["sky"], "surveys.a sky: String should match pattern"),
        (("encoders", "ours", "num_heads"), 0, "encoders.ours.num_heads: is 0"),
        (("encoders", "theirs", "architecture"), "v1", "encoders.theirs.architecture: unknown key; known: weights"),
        (("datasets", "asked", "spc"), [20, 20], "datasets.asked.spc: holds a value twice: [20, 20]"),
        (("pretraining", "surveys"), ["sky", "sky"], "pretraining.surveys: holds a value twice: ['sky', 'sky']"),
        (("pretraining", "test_fraction"), 1.0, "pretraining.test_fraction: is 1.0; expected less than 1"),
        (("masking",), {"probed": 2}, "masking.probed: is 2; expected less than or equal to 1"),
        (("devices",), {"xla": "yes"}, "devices.xla: is 'yes'; expected a valid boolean"),
        (("classification",), {"heads": {"skp": {}}}, "classification.heads.skp: head is 'skp'"),
    ],
)
def test_a_wrong_key_is_named_with_its_file(path, value, line):
    content = changed(*path, value)
    (found,) = problems(content, [("run.yaml", content)])
    assert found.startswith(f"run.yaml: {line}")


def test_an_error_names_the_file_that_sets_the_key():
    files = [("surveys.yaml", {"surveys": SURVEYS}), ("run.yaml", {**CONTENT, "surveys": {"sim": SURVEYS["sim"]}})]
    content = changed("surveys", "sky", "shards", 0) | {"seed": -1, "window": 1}
    del content["run"]
    lines = problems(content, files, ("--config", {"window": 1, "surveys": {"sim": {"shards": 3}}}))
    assert sorted(lines) == [
        "--config: window: is 1; expected greater than or equal to 2",
        "run.yaml: run: missing; this key has no default",
        "run.yaml: seed: is -1; expected greater than or equal to 0",
        "surveys.yaml: surveys.sky.shards: is 0; expected greater than or equal to 1",
    ]


def test_of_two_files_that_set_a_key_the_later_one_is_named():
    files = [("first.yaml", {"seed": -1}), ("second.yaml", {"seed": -2}), ("third.yaml", {"window": 3})]
    assert problems(CONTENT | {"seed": -2}, files)[0].startswith("second.yaml: seed: is -2")


def test_states_of_encoders():
    run = read_run(changed("encoders", "ours", "finetune", False))
    assert run.finetuned_encoders == ["theirs"]
    assert [run.states_of(name) for name in run.encoders] == [["frozen"], ["frozen", "finetuned"]]


def test_wrong_periods_are_a_state_of_encoders_that_read_the_phase():
    controlled = CONTENT | {"classification": {"controls": ["wrong_period"]}}
    controlled["encoders"] = {"plain": {"architecture": "v2"}, "phased": {"architecture": "v3", "finetune": False}}
    run = read_run(controlled)
    assert run.probed_states_of("plain") == ["frozen", "finetuned"]
    assert run.probed_states_of("phased") == ["frozen", "wrong_period"]
    assert read_run(controlled | {"classification": {}}).probed_states_of("phased") == ["frozen"]


def test_an_encoder_may_have_a_training_of_its_own():
    run = read_run(changed("encoders", "ours", "training", {"epochs": 0}))
    assert run.training_of("ours").epochs == 0
    assert run.training_of("theirs") == run.pretraining.training
    assert [run.summary_of(name)["untrained"] for name in run.encoders] == [True, False]


def test_the_packaged_encoder_learned_from_no_test_star_of_the_real_run():
    """Sets depend on these sections alone, so those of both runs are equal."""
    known = load("surveys.yaml") | load("weights.yaml")
    mini, asas = (read_run(known | load(f"{name}.yaml")) for name in ("mini", "asas"))
    assert mini.seed == asas.seed
    assert mini.splits == asas.splits
    assert mini.datasets == asas.datasets
    assert mini.pretraining.surveys == asas.pretraining.surveys


@pytest.mark.parametrize("name", ["config.yaml", "asas.yaml", "mini.yaml", "paper.yaml"])
def test_the_runs_that_come_with_the_workflow_are_right_and_survive_the_round_trip(name):
    content = load("surveys.yaml") | load("weights.yaml") | load(name)
    run = read_run(content)
    assert read_run(json.loads(json.dumps(run.plain()))) == run


def test_every_key_has_a_description():
    schema = Run.model_json_schema(by_alias=True)
    sections = {"Run": schema, **schema["$defs"]}

    def described(key):
        section = sections.get(key.get("$ref", "").rpartition("/")[2], {})  # a section may say it of itself
        return key.get("description") or section.get("description")

    without = [
        f"{name}.{key}"
        for name, section in sections.items()
        for key, what in section.get("properties", {}).items()
        if not described(what)
    ]
    assert without == []


def test_what_is_generated_from_the_models_is_up_to_date():
    write_docs = runpy.run_path(str(ROOT / "config/write_docs.py"))
    assert write_docs["SCHEMA"].read_text(encoding="utf-8") == write_docs["schema"](), "run `make docs`"
    assert write_docs["TABLE"].read_text(encoding="utf-8") == write_docs["table"](), "run `make docs`"
    assert write_docs["FIGURES"].read_text(encoding="utf-8") == write_docs["figures"](), "run `make docs`"


UNLABELLED = {
    "run": "test",
    "surveys": SURVEYS,
    "weights": WEIGHTS,
    "encoders": {"theirs": {"weights": "macho-v1"}},
    "apply": {"surveys": ["sky"]},
}


def test_a_run_needs_no_labels():
    run = read_run(UNLABELLED)
    assert (run.used_surveys, run.applied_surveys, run.applied) == ([], ["sky"], None)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        (
            {"apply": {}},
            "apply.surveys: is empty, as are pretraining.surveys and datasets; expected the name of a survey",
        ),
        ({"apply": {"surveys": ["skye"]}}, "apply.surveys.0: survey is 'skye'; expected one of sim, sky, unused"),
        (
            {"encoders": {"ours": {"architecture": "v2"}}},
            "pretraining.surveys: is empty; expected a survey that encoder ours learns from",
        ),
    ],
)
def test_a_run_without_labels_that_cannot_be(changes, problem):
    (found,) = problems(UNLABELLED | changes)
    assert found.startswith(problem)


def test_what_is_applied_by_default():
    run = read_run(changed("apply", {"surveys": ["unused"]}))
    assert run.applied_surveys == ["sky", "sim", "unused"]
    applied = run.applied
    chosen = (applied.encoder, applied.state, applied.dataset, applied.spc, applied.classifier)
    assert chosen == ("ours", "frozen", "sky_known", 500, "skip")


@pytest.mark.parametrize(
    ("key", "value", "problem"),
    [
        ("encoder", "other", "apply.encoder: encoder is 'other'; expected one of ours, theirs"),
        ("dataset", "sky", "apply.dataset: dataset is 'sky'; expected one of asked, simulated, sky_known"),
        ("classifier", "fused", "apply.classifier: classifier is 'fused'; expected one of logistic, skip"),
        ("spc", 7, "apply.spc: is 7; expected one of 20, 100, 500"),
    ],
)
def test_a_classifier_that_the_run_does_not_have(key, value, problem):
    (found,) = problems(changed("apply", {key: value}))
    assert found.startswith(problem)


def test_an_encoder_that_is_not_finetuned_has_no_such_state():
    content = changed("encoders", "ours", {"architecture": "v2", "finetune": False})
    content["apply"] = {"state": "finetuned"}
    assert problems(content) == ["apply.state: is 'finetuned', but encoder ours is not finetuned"]


@pytest.mark.parametrize(
    ("section", "name"),
    [
        ("surveys", "notebook"),
        ("surveys", "items"),
        ("surveys", "get"),
        ("surveys", "wrong_period"),
        ("encoders", "notebook"),
        ("encoders", "features"),
        ("datasets", "pretraining"),
        ("datasets", "audit"),
        ("datasets", "counts"),
    ],
)
def test_names_that_the_workflow_needs_are_refused(section, name):
    content = changed(section, name, next(iter(CONTENT[section].values())))
    (line,) = problems(content)
    assert section in line
    assert f"{name!r} is" in line
    assert "choose another name" in line


@pytest.mark.parametrize("name", ["downloads", "demo\n", "notebook", ""])
def test_names_of_runs_that_are_refused(name):
    (line,) = problems(changed("run", name))
    assert line.startswith("run: ")


@pytest.mark.parametrize("path", ["../out.zip", "/etc/passwd", "a/../../b", ""])
def test_a_file_stays_in_its_folder(path):
    download = {"url": "https://a.b/c.zip", "file": path}
    assert "leaves its folder" in problems(changed("surveys", "sky", "source", download))[0]
    assert "leaves its folder" in problems(changed("weights", "macho-v1", "file", path))[0]


@pytest.mark.parametrize(("path", "allowed"), [("../c.csv", True), ("a/c.csv", True), ("../../c.csv", False)])
def test_a_catalogue_lies_in_the_dump_or_beside_it(path, allowed):
    survey = {"format": "files", "source": "dump", "files": {"catalog": path, "light_curves": "{id}.dat"}}
    content = changed("surveys", "sky", survey)
    if allowed:
        read_run(content)
    else:
        assert "files.catalog" in problems(content)[0]


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"position_from_id": True}, "`position_from_id` reads the ids of a catalogue; expected `catalog`"),
        ({"catalog": "c.csv", "catalog_columns": {"ra": "ra"}}, "expected both `catalog_columns.ra` and"),
    ],
)
def test_positions_that_would_be_ignored_are_refused(options, named):
    survey = {"format": "files", "source": "dump", "files": {"light_curves": "{id}.dat", **options}}
    (line,) = problems(changed("surveys", "sky", survey))
    assert named in line


def test_weights_of_the_package_have_their_own_variant():
    weights = {"own": {"architecture": "v3", "file": "a/model.weights.h5", "sha256": "0" * 64}}
    content = changed("encoders", "ours", {"weights": "own", "variant": "released"}) | {"weights": WEIGHTS | weights}
    assert "encoders.ours.variant: the weights 'own' record their variant; expected none" in problems(content)
    content["encoders"]["ours"] = {"weights": "own"}
    run = read_run(content)
    assert (run.variant_of("ours"), run.variant_of("theirs")) == (None, "released")


def test_downloads_that_nobody_verifies_are_named():
    source = {"url": "http://a.b/c.zip", "file": "c.zip"}
    one, other = read_run(changed("surveys", "sky", "source", source)).doubtful_downloads
    assert "surveys.sky.source: sha256 is null" in one
    assert "http://a.b/c.zip is not encrypted" in other
    assert not read_run(
        changed("surveys", "sky", "source", source | {"url": "https://a.b/c", "sha256": "0" * 64})
    ).doubtful_downloads
