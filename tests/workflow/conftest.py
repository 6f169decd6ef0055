"""Run the workflow as a user does, in a folder of its own whose name has a space."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from workflow_run import TINY, Workflow, copy_sources


@pytest.fixture
def workflow(tmp_path: Path) -> Workflow:
    """A tiny run on simulated stars that has not started."""
    return Workflow(tmp_path / "a folder", yaml.safe_load(TINY.read_text()))


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Workflow:
    """A tiny run on simulated stars that went the whole road, from a checkout of its own; tests leave it as it is."""
    folder = tmp_path_factory.mktemp("whole road")
    run = Workflow(folder / "a folder", yaml.safe_load(TINY.read_text()), copy_sources(folder / "a checkout"))
    run.run("--cores", "2")
    return run


@pytest.fixture
def copy_of(tmp_path: Path) -> Callable[[Workflow], Workflow]:
    """Make a private copy of a finished run, times of its files included."""

    def copied(original: Workflow) -> Workflow:
        folder = tmp_path / "a copy"
        subprocess.run(["cp", "-a", str(original.folder), str(folder)], check=True)
        return Workflow(folder, json.loads(json.dumps(original.config)), original.root)

    return copied
