"""The guard before SLURM's commands, with stand-ins for these."""

import importlib.util

import pytest
from workflow_run import ROOT


@pytest.fixture
def guard(tmp_path, monkeypatch):
    """The guard's module, in a folder of its own and with a PATH that holds stand-ins only."""
    spec = importlib.util.spec_from_file_location("slurm_guard", ROOT / "profiles/slurm/bin/slurm_guard.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "WAIT_SECONDS", 0.01)
    monkeypatch.setenv("PATH", f"{ROOT}/profiles/slurm/bin:{tmp_path}:/usr/bin:/bin")
    monkeypatch.chdir(tmp_path)
    return module


def stand_in(folder, name, script):
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


QUERY = ["--format=%i|%T", "--states=all", "--noheader", "--name", "run"]


@pytest.mark.parametrize("command", ["squeue", "sacct"])
def test_a_status_query_never_fails_and_forgets_no_job(guard, tmp_path, capfd, command):
    stand_in(tmp_path, "squeue", "printf '1|RUNNING\\n2|COMPLETED\\n3|PENDING\\n'")
    assert guard.main(command, QUERY) == 0
    assert capfd.readouterr().out.split() == ["1|RUNNING", "2|COMPLETED", "3|PENDING"]
    stand_in(tmp_path, "squeue", "echo 'Unable to contact slurm controller' >&2; exit 1")
    assert guard.main(command, QUERY) == 0
    assert capfd.readouterr().out == ""
    stand_in(tmp_path, "squeue", "echo '3|RUNNING'")
    assert guard.main(command, QUERY) == 0
    assert capfd.readouterr().out.split() == ["3|RUNNING", "1|UNKNOWN"]


def test_a_submission_waits_for_the_controller(guard, tmp_path, capfd):
    away = "sbatch: error: Batch job submission failed: Unable to contact slurm controller (connect failure)"
    stand_in(tmp_path, "sbatch", f"[ -e asked ] && echo 17 || {{ touch asked; echo '{away}' >&2; exit 1; }}")
    assert guard.main("sbatch", ["--parsable", "--wrap", "true"]) == 0
    assert capfd.readouterr() == ("17\n", "")


def test_a_refused_submission_is_reported_at_once(guard, tmp_path, capfd):
    stand_in(tmp_path, "sbatch", "echo 'invalid partition specified: nosuch' >&2; exit 1")
    assert guard.main("sbatch", ["--parsable"]) == 1
    assert "invalid partition" in capfd.readouterr().err
