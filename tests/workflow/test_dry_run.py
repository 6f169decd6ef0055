"""What `snakemake -n` must do: resolve every target in seconds, and load nothing heavy."""

import subprocess
import sys

import pytest
from conftest import ROOT, environment

CONFIGS = ["config/config.yaml", "config/asas.yaml"]
STAGES = ["surveys", "records", "pretrained", "embeddings", "predictions", "tables", "figures", "report"]
TARGETS = ["all", *STAGES, "fig02", "fig03", "fig12", "fig13"]


@pytest.fixture
def surveys_dir(tmp_path):
    """Empty files in place of the dumps, which a dry run only looks for."""
    for survey in ("asas", "hipparcos"):
        (tmp_path / f"{survey}.tar.xz").touch()
    return tmp_path


@pytest.mark.parametrize("config", CONFIGS)
@pytest.mark.parametrize("target", TARGETS)
def test_every_target_resolves(workflow, surveys_dir, config, target):
    command = [
        "--configfile",
        str(ROOT / config),
        "--config",
        "run=dry",
        f"surveys_dir={surveys_dir}",
        "-n",
        "-q",
        "--",
    ]
    workflow.run(*command, target)


def test_slurm_profile_resolves(workflow):
    output = workflow.run("-n", "--profile", str(ROOT / "profiles/slurm"))
    assert "slurm_partition=gpu" in output


def test_dry_run_loads_nothing_heavy(workflow):
    """TensorFlow alone would cost seconds; rules must not import it, nor any library of the scripts."""
    command = workflow.command("-n", "-q")
    script = (
        "import sys; from snakemake.cli import main\n"
        f"try: main({command[3:]!r})\n"
        "except SystemExit as end: assert not end.code\n"
        "print('HEAVY', sorted({'tensorflow', 'keras', 'polars', 'papermill', 'astromer'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        cwd=workflow.folder,
        env=environment(),
    )
    assert "HEAVY []" in done.stdout


def test_fig12_makes_only_what_it_needs(workflow):
    jobs = workflow.jobs(workflow.run("-n", "fig12"))
    assert "draw_fig12" in jobs
    assert not {"draw_fig02", "draw_fig03", "draw_fig13", "write_report"} & set(jobs)
