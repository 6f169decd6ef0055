"""Run the workflow as a user does: its command line, environment and sources."""

import os
import subprocess
import sys
from pathlib import Path

import warm_python
import yaml

ROOT = Path(__file__).resolve().parents[2]
TINY = ROOT / "tests/data/tiny.yaml"
STAGES = ["surveys", "records", "pretrained", "embeddings", "classifiers", "predictions", "tables", "results"]
STAGES += ["figures", "report", "crate"]
FIGURES = ["fig02", "fig03", "fig07", "fig08", "fig12", "fig13", "fig14", "figB", "curves", "masking"]
FIGURES += ["fig09", "fig10", "fig11", "fig_claims", "fig_data", "fig_f1", "fig_finetuning", "fig_silhouette"]
FIGURES += ["fig_calibration", "fig_v3"]  # nothing to do in a run without what they show
TARGETS = ["all", *STAGES, *FIGURES]


class Workflow:
    """One working directory and configuration of the workflow.

    Attributes:
        folder: the working directory.
        config: the configuration, a dict to change before a run.
        root: the checkout whose workflow is run.
    """

    def __init__(self, folder: Path, config: dict, root: Path = ROOT) -> None:
        self.folder, self.config, self.root = folder, config, root
        folder.mkdir(parents=True, exist_ok=True)

    @property
    def results(self) -> Path:
        """Where the run writes."""
        return self.folder / "results" / self.config["run"]

    def command(self, *arguments: str) -> list[str]:
        """Return the command line of a run with these further arguments."""
        configfile = self.folder / "config.yaml"
        configfile.write_text(yaml.safe_dump(self.config, sort_keys=False))
        options = ["--snakefile", self.root / "Snakefile", "--directory", self.folder, "--configfile", configfile]
        return [sys.executable, "-m", "snakemake", *map(str, options), *arguments]

    def run(self, *arguments: str, ok: bool = True) -> str:
        """Run to the end; return everything it printed. Fails unless the exit status is as expected."""
        command = [warm_python.executable(), *self.command(*arguments)[1:]]
        both = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True, "errors": "replace"}
        done = subprocess.run(command, check=False, cwd=self.folder, env=environment(), **both)
        assert (done.returncode == 0) == ok, done.stdout[-8000:]
        return done.stdout

    def checksums(self) -> dict[str, bytes]:
        """Content of every table, figure and split of the run, by path; without those that show times of training."""
        kinds = {".csv", ".parquet", ".tfrecord", ".png", ".pdf"}
        timed = ("timing", "finetuning", "fig_finetuning")
        files = (path for path in sorted(self.results.rglob("*")) if path.suffix in kinds and path.stem not in timed)
        return {str(path.relative_to(self.results)): path.read_bytes() for path in files}

    def jobs(self, output: str) -> dict[str, int]:
        """Return how many jobs of each rule a dry run announced."""
        table = output.split("Job stats:")[1].split("total", maxsplit=1)[0] if "Job stats:" in output else ""
        pairs = (line.split() for line in table.splitlines())
        return {pair[0]: int(pair[1]) for pair in pairs if len(pair) == 2 and pair[1].isdigit()}


def environment() -> dict[str, str]:
    """Environment of a fresh shell: nothing of the test runner leaks into the workflow."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "PYTHONPATH"))}


def copy_sources(folder: Path, root: Path = ROOT) -> Path:
    """Copy all that a run needs of a checkout into a folder of its own, to be edited there."""
    kept = ["Snakefile", "astromer", "config", "envs", "notebooks", "profiles", "rules", "workflow_scripts"]
    folder.mkdir(parents=True)
    subprocess.run(["cp", "-a", *(str(root / name) for name in kept), str(folder)], check=True)
    return folder
