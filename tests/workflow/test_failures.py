"""A failed job is described in a few lines, and tried again only if that can help."""

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from workflow_run import ROOT

from workflow_scripts._endings import last_line
from workflow_scripts._failures import describe_failure, is_retried


class DivergenceError(RuntimeError):
    """An error of the name that the training has."""


@pytest.fixture
def log(tmp_path):
    """Write the log of a job that ended with an error."""

    def written(error: BaseException | None, *, lines: int = 3) -> Path:
        path = tmp_path / "job.log"
        end = [f"{type(error).__name__}: {error}", last_line(error)] if error else []
        path.write_text("\n".join([*(f"12:00:00 step {number}" for number in range(lines)), *end, ""]))
        return path

    return written


@pytest.mark.parametrize(("error", "again"), [(DivergenceError("nan"), False), (OSError("full"), True), (None, True)])
def test_only_a_final_error_is_not_tried_again(log, error, again):
    assert is_retried(log(error), since=time.time() - 60) == again


def test_the_log_of_an_earlier_run_forbids_no_retry(log):
    assert is_retried(log(DivergenceError("nan")), since=time.time() + 60)


def test_a_job_without_a_log_is_tried_again(tmp_path):
    assert is_retried(tmp_path / "absent.log", since=0)
    assert is_retried(None, since=0)


def test_a_failure_is_few_lines_whatever_the_log_holds(log):
    path = log(ValueError("first\n" + "second\n" * 500 + "last"), lines=5000)
    text = describe_failure("train_heads", {"fold": "1"}, path, since=0)
    assert "train_heads failed (fold=1)" in text
    assert "ValueError: first" in text
    assert str(path) in text
    assert len(text.splitlines()) < 20


def test_a_killed_job_is_told_from_one_that_failed(log):
    assert "was killed" in describe_failure("train_heads", {}, log(None), since=0)
    assert "was killed" not in describe_failure("train_heads", {}, log(OSError("full")), since=0)


def test_a_full_disk_is_named(log, monkeypatch):
    full = SimpleNamespace(total=10**9, used=10**9, free=0)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: full)
    assert "No space left on device" in describe_failure("merge_survey", {}, log(None), since=0)
    assert "ValueError: x" in describe_failure("merge_survey", {}, log(ValueError("x")), since=0)


def test_an_error_that_the_log_cannot_take_is_shown():
    """`/dev/full` refuses each byte, as a full disk does."""
    job = "from _entry import logged\nwith logged('/dev/full'):\n    raise ValueError('no class has stars')"
    script = [sys.executable, "-c", job]
    done = subprocess.run(script, cwd=ROOT / "workflow_scripts", capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "No space left on device. The job ended with ValueError: no class has stars" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_no_rule_retries():
    """On SLURM a rule's own number of retries multiplies with that of the profile."""
    for path in (ROOT / "rules").glob("*.smk"):
        assert "retries:" not in path.read_text(), path


def test_a_broken_notebook_keeps_its_cells_and_prints_little(finished, copy_of):
    copy = copy_of(finished)
    source = finished.root / "notebooks/curves.ipynb"
    before = source.read_text()
    notebook = json.loads(before)
    broken = notebook["cells"][-1] | {"id": "broken", "source": ["undefined_name"]}
    source.write_text(json.dumps(notebook | {"cells": [*notebook["cells"], broken]}))
    try:
        output = copy.run("--cores", "1", "curves", ok=False)
    finally:
        source.write_text(before)
    _, _, after = output.partition("Error in rule")
    assert "NameError: name 'undefined_name' is not defined" in after
    assert len(after.splitlines()) < 25, output
    (executed,) = copy.results.glob("logs/draw_curves/*.ipynb")
    assert "undefined_name" in executed.read_text()
    assert str(executed.relative_to(copy.folder)) in executed.with_suffix(".log").read_text()
