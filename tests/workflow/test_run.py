"""The whole road on simulated stars: what it leaves behind, and what a second, changed or killed run does."""

import csv
import json
import subprocess
import sys
import sysconfig

import pytest
from workflow_run import ROOT, environment


def test_every_figure_table_and_the_report_are_there(finished):
    figures = {"fig02", "fig03", "curves", "masking", "fig13_sim_macho", "fig14_sim_atlas"}
    figures |= {f"fig12_{data}" for data in ("sim_macho", "sim_atlas")}
    figures |= {f"fig_{name}_{data}" for name in ("data", "f1") for data in ("sim_macho", "sim_atlas")}
    figures |= {"v2_tiny/fig09", "v2_tiny/fig10_sim_macho", "v2_tiny/fig11_sim_atlas", "v2_tiny/fig_silhouette"}
    figures |= {"v2_tiny/fig_finetuning", "fig_claims"}
    figures |= {"v2_tiny/fig07_sim_macho", "v2_tiny/fig08_sim_atlas", "v2_tiny/figB_sim_macho"}
    for name in figures:
        assert (finished.results / f"figures/{name}.pdf").read_bytes().startswith(b"%PDF")
        assert (finished.results / f"figures/{name}.png").read_bytes().startswith(b"\x89PNG")
        assert json.loads((finished.results / f"figures/{name}.provenance.json").read_text())["data"] == "simulated"
    report = (finished.results / "report.html").read_text()
    assert all(f"{name}.png" in report for name in figures)


def test_metrics_hold_every_model_fold_and_spc(finished):
    with (finished.results / "tables/metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    keys = ("dataset", "fold", "spc", "model", "encoder", "state")
    found = {tuple(row[key] for key in keys) for row in rows}
    sets = [("sim_macho", "0", spc) for spc in ("5", "10")] + [("sim_atlas", fold, "10") for fold in "01"]
    models = [("skip", "v2_tiny", state) for state in ("frozen", "finetuned")]
    models += [("logistic", "v2_tiny", state) for state in ("frozen", "finetuned")]
    models += [("raw_gru", "", ""), ("statistics_forest", "", "")]
    assert found == {(*chosen, *model) for chosen in sets for model in models}
    assert {row["data"] for row in rows} == {"simulated"}
    assert all(0 <= float(row["value"]) <= 1 for row in rows)


def test_everything_written_lies_under_results(finished):
    assert {path.name for path in finished.folder.iterdir()} == {"results", ".snakemake", "config.yaml"}


def test_second_run_has_nothing_to_do(finished):
    assert "Nothing to be done" in finished.run("--cores", "2")


def test_end_of_run_says_where_the_results_are(finished, copy_of):
    copy = copy_of(finished)
    (copy.results / "figures/fig02.pdf").unlink()
    output = copy.run("--cores", "2", "fig02")
    assert all(place in output for place in ("results/tiny/figures", "results/tiny/tables", "results/tiny/report.html"))


def test_killed_full_and_moved_runs_end_with_the_files_of_an_unbroken_one():
    """A short form of the campaign; the long one is made by hand."""
    options = ["--kills", "2", "--disks", "2", "--target", "results/tiny/pretrain/v2_tiny/history.csv"]
    command = [sys.executable, ROOT / "tests/kill_campaign.py", *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment())
    assert done.returncode == 0, done.stdout + done.stderr
    assert " 0 things wrong" in done.stdout


def test_failed_job_leaves_its_traceback_in_its_log(finished, copy_of):
    copy = copy_of(finished)
    damaged = copy.results / "embed/v2_tiny/sim_macho/frozen.parquet"
    damaged.write_bytes(b"no longer a table")
    folder = copy.results / "classify/v2_tiny/frozen/sim_macho/heads"
    output = copy.run(
        "--cores", "1", "--retries", "0", "--", str(folder.relative_to(copy.folder) / "metrics.csv"), ok=False
    )
    assert "Traceback" in (copy.results / "logs/train_heads/v2_tiny/frozen/sim_macho.log").read_text()
    assert "train_heads failed" in output
    assert "Traceback" not in output, "the terminal gets the error in a few lines"
    assert not (folder / "metrics.csv").exists()


def test_path_of_python_with_a_space(workflow, tmp_path):
    """As in a clone in such a folder, where `make` puts the environment; Snakemake by itself fails there."""
    environment_folder = tmp_path / "an environment"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment_folder], check=True)
    (site,) = environment_folder.glob("lib/python*/site-packages")
    (site / "packages.pth").write_text(sysconfig.get_path("purelib"))
    command = [str(environment_folder / "bin/python"), *workflow.command("--cores", "2", "surveys")[1:]]
    subprocess.run(command, check=True, cwd=workflow.folder, env=environment(), capture_output=True)
    assert (workflow.results / "parquet/sim_macho/metadata.parquet").exists()


def test_the_scheduler_sleeps_while_nothing_changes(workflow):
    """It looks for jobs when one has ended; Snakemake's default looks once a second for each that has."""
    output = workflow.run("--cores", "1", "--verbose", "surveys")
    assert 1 < output.count("Ready jobs") <= output.count("Finished jobid") + 1


@pytest.mark.parametrize("section", ["pretraining", "finetuning"])
def test_no_test_object_reaches_training(finished, section):
    import polars as pl

    from astromer.data.parsing import read_records

    tested = {
        dataset: pl.read_parquet(finished.results / f"splits/{dataset}.parquet").filter(pl.col("subset") == "test")
        for dataset in ("sim_macho", "sim_atlas")
    }
    if section == "pretraining":
        forbidden = set(tested["sim_macho"]["id"])
        used = [(path, forbidden) for path in finished.results.glob("records/pretraining/sim_macho/*/*.tfrecord")]
    else:
        used = [
            (path, set(tested[path.parts[-4]].filter(pl.col("fold") == int(path.parts[-3].removeprefix("fold")))["id"]))
            for path in finished.results.glob("records/*/fold*/spc*/*.tfrecord")
        ]
    assert used
    for path, forbidden in used:
        assert forbidden
        assert not forbidden & set(read_records(path)[0]["id"]), path
