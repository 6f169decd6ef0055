"""What `snakemake -n` must do: resolve every target in seconds, and load nothing heavy."""

import subprocess
import sys

import pytest
import yaml
from workflow_run import ROOT, TARGETS, Workflow, environment

CONFIGS = [
    "config/config.yaml",
    "config/asas.yaml",
    "config/ablation.yaml",
    "config/encoders.yaml",
    "config/mini.yaml",
    "config/paper.yaml",
    "config/paper_published.yaml",
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """An empty working directory."""
    return tmp_path_factory.mktemp("dry runs")


@pytest.mark.parametrize("config", CONFIGS)
def test_every_target_resolves(folder, config):
    """Also where the dumps are not there yet."""
    Workflow(folder, yaml.safe_load((ROOT / config).read_text())).run("-n", "-q", "--", *TARGETS)


def test_the_published_records_resolve_where_their_sets_are_listed(folder):
    """On top of the file with the published encoders, as its first lines say."""
    (folder / "surveys").mkdir()
    for name in ("alcock", "atlas"):
        (folder / f"surveys/{name}_sets.csv").touch()
    run = Workflow(folder, yaml.safe_load((ROOT / "config/paper_published.yaml").read_text()))
    jobs = run.jobs(run.run(str(ROOT / "config/paper_records.yaml"), "-n", "--quiet", "rules"))
    assert jobs["ingest_shard"] == 8
    assert {"draw_fig12", "write_tables"} <= jobs.keys()


def test_a_target_that_does_not_exist_ends_the_dry_run(workflow):
    assert "nosuch" in workflow.run("-n", "-q", "--", "tables", "nosuch", ok=False)


def test_slurm_profile_resolves_and_lists_what_jobs_ask_for(workflow):
    output = workflow.run("-n", "--profile", str(ROOT / "profiles/slurm"))
    assert workflow.jobs(output)["pretrain_encoder"] == 1
    (pretraining,) = (line for line in output.splitlines() if "Pretraining v2_tiny" in line)
    assert pretraining.endswith("[16 CPU, 1 GPU, 6000 MB, 1440 min]")


def test_dry_run_loads_nothing_heavy(workflow):
    """TensorFlow alone would cost seconds; rules must not import it, nor what models and notebooks need."""
    command = workflow.command("-n", "-q")
    script = (
        "import sys; from snakemake.cli import main\n"
        f"try: main({command[3:]!r})\n"
        "except SystemExit as end: assert not end.code\n"
        "heavy = {'tensorflow', 'keras', 'matplotlib', 'papermill', 'scipy', 'sklearn'}\n"
        "print('HEAVY', sorted(heavy & set(sys.modules)))"
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


def test_each_encoder_has_its_states(workflow):
    """A second encoder that is not finetuned has heads and probes as well, but no figures of its own."""
    first = workflow.config["encoders"]["v2_tiny"]
    workflow.config["encoders"]["untrained"] = {**first, "training": {"epochs": 0}, "finetune": False}
    workflow.config["classification"] |= {"controls": ["wrong_period"], "fused": True, "features": ["features"]}
    output = workflow.run("-n")
    jobs = workflow.jobs(output)
    assert (jobs["pretrain_encoder"], jobs["finetune_encoder"]) == (2, 4)
    assert (jobs["embed_frozen"], jobs["embed_finetuned"]) == (2 * 2, 2)
    assert jobs["train_heads"] == jobs["fit_probes"] == 3 * 2
    assert jobs["fit_controls"] == jobs["train_baselines"] == 2
    assert jobs["extract_features"] == jobs["extract_features_with_wrong_period"] == 3
    assert "figures/v2_tiny/fig07_sim_macho.png" in output
    assert "figures/untrained" not in output


def test_a_run_without_datasets_plans_nothing_that_is_of_classifiers(workflow):
    workflow.config["datasets"] = {}
    jobs = workflow.jobs(workflow.run("-n"))
    assert (jobs["pretrain_encoder"], jobs["embed_survey"]) == (1, 2)
    of_classifiers = {"collect_metrics", "write_claims", "write_tables", "show_tables", "write_report", "write_crate"}
    assert not of_classifiers & set(jobs)
    for target in ("classifiers", "results"):
        assert "There is nothing to classify: the run has no dataset." in workflow.run("-n", target, ok=False)


def test_encoders_that_are_not_trained_have_no_learning_curves(workflow):
    workflow.config["encoders"]["v2_tiny"]["training"] = {"epochs": 0}
    output = workflow.run("-n", "figures")
    assert "draw_curves" not in workflow.jobs(output)
    assert "draw_fig12" in workflow.jobs(output)


def test_fig12_makes_only_what_it_needs(workflow):
    jobs = workflow.jobs(workflow.run("-n", "fig12"))
    assert "draw_fig12" in jobs
    assert not {"draw_fig02", "draw_fig03", "draw_fig13", "write_report"} & set(jobs)
