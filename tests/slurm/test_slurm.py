"""Runs on a real SLURM cluster of one machine: what a cluster does to jobs, and what is left of it in the results."""

import os
import subprocess
import time

import numpy as np
import pytest
from workflow_run import environment

import astromer

PRETRAINED = "pretrained"
METADATA = "results/tiny/parquet/sim_atlas/metadata.parquet"
EPOCHS_OF_A_MINUTE = 120  # of training on an idle core; the first attempt has less than half of that
WAIT_SECONDS = 900  # the machine may be busy

takes_minutes = pytest.mark.skipif(
    "ASTROMER_TEST_SLURM" not in os.environ, reason="only `make test-slurm` takes its time"
)


def start(run, *arguments):
    """Start a run in the background."""
    with (run.folder / "output.txt").open("w") as out:
        command = run.command(*arguments)
        return subprocess.Popen(command, stdout=out, stderr=out, cwd=run.folder, env=environment())


def finish(process, run, *, ok=True):
    """Wait for a run; return what it printed."""
    status = process.wait(WAIT_SECONDS)
    output = (run.folder / "output.txt").read_text()
    assert (status == 0) == ok, output[-8000:]
    return output


def wait_for(is_true):
    end = time.monotonic() + WAIT_SECONDS
    while not is_true():
        assert time.monotonic() < end, "nothing happened in time"
        time.sleep(0.5)


def running(cluster, rule, since=0):
    """Id of the newest running job of a rule."""
    jobs = [job for job in cluster.jobs()[since:] if rule in job["rule"] and job["state"] == "RUNNING"]
    return jobs[-1]["id"] if jobs else None


@takes_minutes
def test_a_run_on_the_cluster_gives_the_bytes_of_a_local_one(cluster, on_slurm, workflow):
    run = on_slurm()
    for each in (run, workflow):
        each.config["datasets"].pop("sim_atlas")
        each.config["pretraining"]["threads"] = 1  # the last digits of sums depend on it
    since = len(cluster.jobs())
    process = start(run, "predictions")
    workflow.run("--cores", "2", "predictions")  # meanwhile: a cluster's run mostly waits
    finish(process, run)
    assert run.checksums() == workflow.checksums()
    assert {job["state"] for job in cluster.jobs()[since:]} == {"COMPLETED"}
    assert {job["partition"] for job in cluster.jobs()[since:]} == {"short", "long", "gpu"}


def test_a_job_over_its_memory_passes_with_more(cluster, on_slurm):
    run, since = on_slurm(), len(cluster.jobs())
    run.run("--set-resources", "merge_survey:mem_mb=120 * 4 ** (attempt - 1)", "--", METADATA)
    merged = [job for job in cluster.jobs()[since:] if "merge_survey" in job["rule"]]
    assert [job["state"] for job in merged[:-1]] == ["FAILED"] * (len(merged) - 1)
    assert len(merged) > 1
    assert merged[-1]["state"] == "COMPLETED"


@takes_minutes
def test_pretraining_over_its_time_resumes_to_the_same_weights(cluster, on_slurm, workflow):
    """An attempt has twice the time of the one before, so that one of them trains, however busy the machine is."""
    run, since = on_slurm(), len(cluster.jobs())
    for each in (run, workflow):
        each.config["pretraining"]["threads"] = 1
        each.config["pretraining"]["training"] |= {"epochs": EPOCHS_OF_A_MINUTE, "patience": EPOCHS_OF_A_MINUTE}
    sizes = ["pretrain_encoder:runtime=2 ** (attempt - 1)", "pretrain_encoder:slurm_extra='--signal=TERM@30'"]
    process = start(run, "--retries", "6", "--set-resources", *sizes, "--", PRETRAINED)
    workflow.run("--cores", "1", PRETRAINED)
    finish(process, run)
    states = [job["state"] for job in cluster.jobs()[since:] if "pretrain_encoder" in job["rule"]]
    assert set(states[:-1]) in ({"FAILED"}, {"TIMEOUT"}, {"FAILED", "TIMEOUT"})
    assert states[-1] == "COMPLETED"
    assert "resum" in (run.results / "logs/pretrain_encoder/v2_tiny.log").read_text().lower()
    one, other = (each.results / "pretrain/v2_tiny" for each in (run, workflow))
    assert (one / "history.csv").read_bytes() == (other / "history.csv").read_bytes()
    resumed, unbroken = (astromer.load_pretrained(str(folder)).model.get_weights() for folder in (one, other))
    assert all(map(np.array_equal, resumed, unbroken))


def test_a_cancelled_job_is_noticed_and_tried_again(cluster, on_slurm):
    run, since = on_slurm(), len(cluster.jobs())
    process = start(run, METADATA)
    wait_for(lambda: running(cluster, "ingest_shard", since))
    cluster.ask("scancel", running(cluster, "ingest_shard", since))
    assert "Trying to restart" in finish(process, run)
    assert [job["state"] for job in cluster.jobs()[since:]] == ["CANCELLED", "COMPLETED", "COMPLETED"]


@takes_minutes
def test_a_run_survives_a_controller_that_is_away(cluster, on_slurm):
    run, since = on_slurm(), len(cluster.jobs())
    process = start(run, METADATA)
    wait_for(
        (run.results / "logs/ingest_shard/sim_atlas/0.log").exists
    )  # only a step that has begun needs no controller
    cluster.stop_controller()
    time.sleep(40)  # some rounds of status queries; without the guard the run waits for ever after one
    cluster.start_controller()
    finish(process, run)
    assert {job["state"] for job in cluster.jobs()[since:]} == {"COMPLETED"}


@pytest.mark.parametrize(
    ("resource", "reason"),
    [("gpu=9", "configuration is not available"), ("slurm_partition='nosuch'", "invalid partition")],
)
def test_what_the_cluster_cannot_give_is_said_at_once(cluster, on_slurm, resource, reason):
    run, since = on_slurm(), len(cluster.jobs())
    output = run.run(
        "--retries", "0", "--set-resources", f"write_config:{resource}", "--", "results/tiny/config.json", ok=False
    )
    assert reason in output
    _, _, after = output.partition("Error in rule")
    assert len(after.splitlines()) < 25
    assert {job["state"] for job in cluster.jobs()[since:]} <= {"FAILED"}


def test_wrong_input_is_submitted_once(cluster, on_slurm):
    run, since = on_slurm(), len(cluster.jobs())
    run.config["datasets"]["sim_macho"]["spc"] = [5000]
    output = run.run("results/tiny/splits/sim_macho.parquet", ok=False)
    assert "5000 samples per class" in output
    assert [job["state"] for job in cluster.jobs()[since:] if "split" in job["rule"]] == ["FAILED"]


def test_nothing_is_left_running(cluster):
    assert not [job for job in cluster.jobs() if job["state"] in ("RUNNING", "PENDING")]
