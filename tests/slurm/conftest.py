"""A SLURM cluster for the tests of this folder, and runs on it."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from slurm_cluster import Cluster, reason_not_to_start
from slurm_run import Background, SlurmRun
from workflow_run import TINY, Workflow

JOBS = pytest.StashKey[list[dict[str, str]]]()
EPOCHS = 160  # more than the first attempt that trains has time for, on an idle core and on a busy one


@pytest.fixture(scope="session")
def cluster(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A running cluster; the tests are skipped, with the reason, where none can be started."""
    if reason := reason_not_to_start():
        pytest.skip(reason)
    running = Cluster(tmp_path_factory.mktemp("slurm") / "cluster")
    try:
        running.start()
        yield running
        pytestconfig.stash[JOBS] = running.jobs()
    finally:
        running.stop()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """List all jobs of the cluster: what they asked for, how they ended, and the time that they used."""
    jobs = [{**job, "folder": Path(job["folder"]).parent.name} for job in terminalreporter.config.stash.get(JOBS, [])]
    widths = {name: max(len(job[name]) for job in jobs) for name in jobs[0]} if jobs else {}
    for job in [{name: name for name in widths}, *jobs] if jobs else []:
        terminalreporter.write_line("  ".join(job[name].ljust(width) for name, width in widths.items()))


@pytest.fixture
def on_slurm(cluster: Cluster, tmp_path: Path) -> SlurmRun:
    """A tiny run on the cluster that has not started."""
    return SlurmRun(cluster, tmp_path)


@pytest.fixture(scope="session", autouse=True)
def long_runs(
    cluster: Cluster, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, tuple[Background, Background]]]:
    """The runs of the tests that take minutes: each on the cluster, and the same on this machine.

    They start before the first test, because a run on a cluster mostly waits.
    """
    if "ASTROMER_TEST_SLURM" not in os.environ:
        yield {}
        return
    runs = {
        name: (
            SlurmRun(cluster, tmp_path_factory.mktemp(name)),
            Workflow(tmp_path_factory.mktemp(f"{name} local") / "a folder", yaml.safe_load(TINY.read_text())),
        )
        for name in ("whole", "interrupted")
    }
    for each in runs["whole"]:
        each.config["datasets"].pop("sim_atlas")
        each.config["pretraining"]["threads"] = 1  # the last digits of sums depend on it
    for each in runs["interrupted"]:
        each.config["pretraining"]["threads"] = 1
        each.config["pretraining"]["training"] |= {"epochs": EPOCHS, "patience": EPOCHS}
    # An attempt has twice the time of the one before, so that one of them trains, however busy the machine is.
    sizes = ["pretrain_encoder:runtime=2 ** (attempt - 1)", "pretrain_encoder:slurm_extra='--signal=TERM@30'"]
    started = {
        "interrupted": (
            Background(runs["interrupted"][0], "--retries", "6", "--set-resources", *sizes, "--", "pretrained"),
            Background(runs["interrupted"][1], "--cores", "1", "--", "pretrained"),
        ),
        "whole": (
            Background(runs["whole"][0], "predictions"),
            Background(runs["whole"][1], "--cores", "2", "predictions"),
        ),
    }
    yield started
    for each in (each for pair in started.values() for each in pair):
        each.process.terminate()
