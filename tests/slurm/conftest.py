"""A SLURM cluster for the tests of this folder, and runs on it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from slurm_cluster import Cluster, reason_not_to_start
from workflow_run import ROOT, TINY, Workflow

ON_GPU = yaml.safe_load((ROOT / "profiles/slurm/profile.yaml").read_text())["set-threads"]
PARTITIONS = {
    "short": {"max_runtime": 60, "max_mem_mb": 12000, "max_threads": 4},
    "long": {"max_runtime": 240, "max_mem_mb": 12000, "max_threads": 4},
    "gpu": {"max_runtime": 60, "max_mem_mb": 12000, "max_threads": 16, "max_gpu": 2},
}


JOBS = pytest.StashKey[list[dict[str, str]]]()


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
    jobs = terminalreporter.config.stash.get(JOBS, [])
    widths = {name: max(len(job[name]) for job in jobs) for name in jobs[0]} if jobs else {}
    for job in [{name: name for name in widths}, *jobs] if jobs else []:
        terminalreporter.write_line("  ".join(job[name].ljust(width) for name, width in widths.items()))


class SlurmRun(Workflow):
    """A run with the profile of the repository, on the partitions of the test's cluster."""

    def command(self, *arguments: str) -> list[str]:
        """Return the command line of a run with these further arguments."""
        partitions = self.folder / "partitions.yaml"
        if not partitions.exists():
            partitions.write_text(yaml.safe_dump({"partitions": PARTITIONS}))
        options = ["--set-threads", *(f"{rule}=1" for rule in ON_GPU)]
        options += ["--group-components", *(f"{group}=4" for group in ("shards", "features", "records", "sets"))]
        options += ["--profile", str(ROOT / "profiles/slurm"), "--slurm-partition-config", str(partitions)]
        options += ["--slurm-init-seconds-before-status-checks", "5", "--latency-wait", "20"]
        return super().command(*options, *arguments)


@pytest.fixture
def workflow(tmp_path: Path) -> Workflow:
    """The same tiny run on this machine without SLURM."""
    return Workflow(tmp_path / "local", yaml.safe_load(TINY.read_text()))


@pytest.fixture
def on_slurm(cluster: Cluster, tmp_path: Path) -> Callable[[], SlurmRun]:
    """Make a tiny run on the cluster that has not started."""
    return lambda: SlurmRun(tmp_path / "a folder", yaml.safe_load(TINY.read_text()))
