"""A wrong configuration ends the run at once, with a message that names the key."""

import subprocess

import pytest
from workflow_run import environment


def change(config, keys, value):
    for key in keys[:-1]:
        config = config[key]
    config[keys[-1]] = value


@pytest.mark.parametrize(
    ("keys", "value", "named"),
    [
        (["sede"], 1, "config.yaml: sede: unknown key; did you mean seed?"),
        (["encoders", "v2_tiny", "architecture"], "v9", "architecture"),
        (["datasets", "sim_macho", "survey"], "nosuch", "datasets.sim_macho.survey: survey is 'nosuch'"),
        (["pretraining", "surveys"], ["nosuch"], "pretraining.surveys.0: survey is 'nosuch'"),
    ],
)
def test_wrong_key_or_value_is_named(workflow, keys, value, named):
    change(workflow.config, keys, value)
    output = workflow.run("-n", ok=False)
    assert named in output
    assert len(output.splitlines()) < 15
    assert not workflow.results.exists()


def test_a_configuration_has_to_name_its_run(workflow):
    config = dict(workflow.config)
    del workflow.config["run"]
    command = workflow.command("-n")
    workflow.config = config
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=workflow.folder, env=environment())
    assert done.returncode
    assert "config.yaml: run: missing; this key has no default" in done.stdout + done.stderr


def test_the_command_line_overrides_any_configuration(workflow):
    workflow.run("-n", "-q", "--config", "run=second", "seed=7")
    default = workflow.command("-n", "-q", "--config", "run=second", "seed=seven")
    del default[default.index("--configfile") : default.index("--configfile") + 2]
    done = subprocess.run(default, capture_output=True, text=True, check=False, cwd=workflow.folder, env=environment())
    assert "--config: seed: is 'seven'; expected a valid integer" in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("keys", "value", "expected"),
    [
        (["classes"], ["EC", "Cep_9"], "no object of class Cep_9"),
        (["spc"], [10, 5000], "need 5001 objects of each class; too few in EC"),
    ],
)
def test_dataset_that_the_survey_cannot_give(workflow, keys, value, expected):
    change(workflow.config, ["datasets", "sim_macho", *keys], value)
    output = workflow.run("--cores", "2", "--retries", "2", "results/tiny/splits/sim_macho.parquet", ok=False)
    assert expected in output
    assert "Trying to restart" not in output, "wrong input stays wrong"
    _, _, after = output.partition("RuleException")
    assert 4 < len(after.splitlines()) < 25, output
    assert "log: results/tiny/logs/split_dataset/sim_macho.log" in output
    log = (workflow.results / "logs/split_dataset/sim_macho.log").read_text()
    assert "InputError: datasets.sim_macho" in log
    assert "Traceback" not in log, "bad input is a sentence, not a stack"
    assert not list(workflow.results.glob("splits/*"))


@pytest.fixture
def own_survey(workflow):
    """The workflow with a survey of the user's own, whose dump `dumps/mine.tar.xz` is not there."""
    files = {"catalog": "catalog.csv", "light_curves": "curves/{id}.dat"}
    workflow.config["surveys"]["mine"] = {"format": "files", "source": "mine.tar.xz", "files": files}
    workflow.config["pretraining"]["surveys"] = ["mine"]
    workflow.config["surveys_dir"] = "dumps"
    return workflow


METADATA = "results/tiny/parquet/mine/metadata.parquet"


def test_missing_dump_is_named(own_survey):
    output = own_survey.run("--cores", "1", METADATA, ok=False)
    assert "dumps/mine.tar.xz: no such file or folder; expected the survey's dump there" in output


def test_damaged_dump_is_named_and_leaves_nothing_behind(own_survey):
    dump = own_survey.folder / "dumps/mine.tar.xz"
    dump.parent.mkdir()
    dump.write_bytes(b"\xfd7zXZ\x00 this is not an archive")
    output = own_survey.run("--cores", "1", METADATA, ok=False)
    assert "dumps/mine.tar.xz: unreadable archive" in output
    assert not list(own_survey.results.rglob("*.parquet"))


def test_dump_with_another_checksum_is_refused(own_survey):
    source = {"url": "https://example.org/mine.tar.xz", "file": "mine.tar.xz", "sha256": "0" * 64}
    own_survey.config["surveys"]["mine"]["source"] = source
    own_survey.config["mirror"] = "dumps"
    dump = own_survey.folder / "dumps/mine.tar.xz"
    dump.parent.mkdir()
    dump.write_bytes(b"something else")
    output = own_survey.run("--cores", "1", METADATA, ok=False)
    assert "dumps/mine.tar.xz has sha256" in output
    assert not list(own_survey.results.rglob("*.parquet"))
