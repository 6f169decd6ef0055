"""Runs on the tests' SLURM cluster, and runs in the background."""

import subprocess
from pathlib import Path

import yaml
from slurm_cluster import Cluster
from workflow_run import ROOT, TINY, Workflow, environment

ON_GPU = yaml.safe_load((ROOT / "profiles/slurm/profile.yaml").read_text())["set-threads"]
PARTITIONS = {
    "short": {"max_runtime": 60, "max_mem_mb": 12000, "max_threads": 4},
    "long": {"max_runtime": 240, "max_mem_mb": 12000, "max_threads": 4},
    "gpu": {"max_runtime": 60, "max_mem_mb": 12000, "max_threads": 16, "max_gpu": 2},
}
WAIT_SECONDS = 900  # the machine may be busy


class SlurmRun(Workflow):
    """A tiny run with the profile of the repository, on the partitions of the test's cluster."""

    def __init__(self, cluster: Cluster, folder: Path) -> None:
        super().__init__(folder / "a folder", yaml.safe_load(TINY.read_text()))
        self.cluster = cluster

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

    def submitted(self, rule: str = "") -> list[dict[str, str]]:
        """List the jobs of this run so far whose rule contains a name, as `Cluster.jobs` does."""
        return [job for job in self.cluster.jobs() if job["folder"] == str(self.folder) and rule in job["rule"]]


class Background:
    """A run that has been started and goes on."""

    def __init__(self, run: Workflow, *arguments: str) -> None:
        self.run = run
        self.printed = run.folder / "output.txt"
        with self.printed.open("w") as out:
            command = run.command(*arguments)
            self.process = subprocess.Popen(command, stdout=out, stderr=out, cwd=run.folder, env=environment())

    def finish(self) -> str:
        """Wait until the run has ended well; return what it printed."""
        status = self.process.wait(WAIT_SECONDS)
        assert status == 0, self.printed.read_text()[-8000:]
        return self.printed.read_text()
