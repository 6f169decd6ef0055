"""A wrong configuration ends the run at once, with a message that names the key."""

import pytest


def change(config, keys, value):
    for key in keys[:-1]:
        config = config[key]
    config[keys[-1]] = value


@pytest.mark.parametrize(
    ("keys", "value", "named"),
    [
        (["sede"], 1, "sede"),
        (["pretraining", "training", "epoch"], 3, "epoch"),
        (["seed"], "seven", "seed"),
        (["datasets", "sim_macho", "spc"], ["ten"], "spc"),
        (["checkpoints", "v2_tiny", "architecture"], "v3", "architecture"),
        (["datasets", "sim_macho", "survey"], "macho", "datasets.sim_macho.survey"),
        (["pretraining", "surveys"], ["macho"], "pretraining.surveys[0]"),
        (["surveys", "sim_macho", "simulated", "style"], "gaia", "style"),
    ],
)
def test_wrong_key_or_value_is_named(workflow, keys, value, named):
    change(workflow.config, keys, value)
    output = workflow.run("-n", ok=False)
    assert named in output
    assert not workflow.results.exists()


@pytest.mark.parametrize(
    ("keys", "value", "expected"),
    [
        (["classes"], ["EC", "Cep_9"], "no object of class Cep_9"),
        (["spc"], [10, 5000], "need 5001 objects of each class; too few in EC"),
    ],
)
def test_dataset_that_the_survey_cannot_give(workflow, keys, value, expected):
    change(workflow.config, ["datasets", "sim_macho", *keys], value)
    output = workflow.run("--cores", "2", "results/tiny/splits/sim_macho.parquet", ok=False)
    assert expected in output
    assert "Traceback" in (workflow.results / "logs/split_objects.log").read_text()
    assert not list(workflow.results.glob("splits/*"))


def test_missing_dump_is_named(workflow):
    workflow.config["surveys_dir"] = "nowhere"
    workflow.config["pretraining"]["surveys"] = ["hipparcos"]
    assert "nowhere/hipparcos.tar.xz" in workflow.run("-n", ok=False)


def test_damaged_dump_is_named_and_leaves_nothing_behind(workflow):
    workflow.config["surveys_dir"] = "dumps"
    workflow.config["pretraining"]["surveys"] = ["hipparcos"]
    dump = workflow.folder / "dumps/hipparcos.tar.xz"
    dump.parent.mkdir()
    dump.write_bytes(b"\xfd7zXZ\x00 this is not an archive")
    output = workflow.run("--cores", "1", "results/tiny/parquet/hipparcos/metadata.parquet", ok=False)
    assert "hipparcos.tar.xz: unreadable archive" in output
    assert not list(workflow.results.rglob("*.parquet"))
