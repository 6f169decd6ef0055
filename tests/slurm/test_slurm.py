"""Runs on a real SLURM cluster of one machine: what a cluster does to jobs, and what is left of it in the results."""

import os
import time

import numpy as np
import pytest
from slurm_run import WAIT_SECONDS, Background

import astromer

METADATA = "results/tiny/parquet/sim_atlas/metadata.parquet"

takes_minutes = pytest.mark.skipif(
    "ASTROMER_TEST_SLURM" not in os.environ, reason="only `make test-slurm` takes its time"
)


def wait_for(is_true):
    end = time.monotonic() + WAIT_SECONDS
    while not is_true():
        assert time.monotonic() < end, "nothing happened in time"
        time.sleep(0.5)


def running(run, rule):
    """Id of the newest running job of a rule."""
    jobs = [job for job in run.submitted(rule) if job["state"] == "RUNNING"]
    return jobs[-1]["id"] if jobs else None


def test_a_job_over_its_memory_passes_with_more(on_slurm):
    on_slurm.run("--set-resources", "merge_survey:mem_mb=120 * 4 ** (attempt - 1)", "--", METADATA)
    merged = on_slurm.submitted("merge_survey")
    assert [job["state"] for job in merged[:-1]] == ["FAILED"] * (len(merged) - 1)
    assert len(merged) > 1
    assert merged[-1]["state"] == "COMPLETED"


def test_a_cancelled_job_is_noticed_and_tried_again(cluster, on_slurm):
    started = Background(on_slurm, METADATA)
    wait_for(lambda: running(on_slurm, "ingest_shard"))
    cluster.ask("scancel", running(on_slurm, "ingest_shard"))
    assert "Trying to restart" in started.finish()
    assert [job["state"] for job in on_slurm.submitted()] == ["CANCELLED", "COMPLETED", "COMPLETED"]


@pytest.mark.parametrize(
    ("resource", "reason"),
    [("gpu=9", "configuration is not available"), ("slurm_partition='nosuch'", "invalid partition")],
)
def test_what_the_cluster_cannot_give_is_said_at_once(on_slurm, resource, reason):
    output = on_slurm.run(
        "--retries", "0", "--set-resources", f"write_config:{resource}", "--", "results/tiny/config.json", ok=False
    )
    assert reason in output
    _, _, after = output.partition("Error in rule")
    assert len(after.splitlines()) < 25
    assert {job["state"] for job in on_slurm.submitted()} <= {"FAILED"}


def test_wrong_input_is_submitted_once(on_slurm):
    on_slurm.config["datasets"]["sim_macho"]["spc"] = [5000]
    output = on_slurm.run("results/tiny/splits/sim_macho.parquet", ok=False)
    assert "5000 samples per class" in output
    assert [job["state"] for job in on_slurm.submitted("split")] == ["FAILED"]


@takes_minutes
def test_a_run_on_the_cluster_gives_the_bytes_of_a_local_one(long_runs):
    for started in long_runs["whole"]:
        started.finish()
    on_slurm, local = (started.run for started in long_runs["whole"])
    assert on_slurm.checksums() == local.checksums()
    assert {job["state"] for job in on_slurm.submitted()} == {"COMPLETED"}
    assert {job["partition"] for job in on_slurm.submitted()} == {"short", "long", "gpu"}


@takes_minutes
def test_pretraining_over_its_time_resumes_to_the_same_weights(long_runs):
    for started in long_runs["interrupted"]:
        started.finish()
    on_slurm, local = (started.run for started in long_runs["interrupted"])
    states = [job["state"] for job in on_slurm.submitted("pretrain_encoder")]
    assert set(states[:-1]) in ({"FAILED"}, {"TIMEOUT"}, {"FAILED", "TIMEOUT"})
    assert states[-1] == "COMPLETED"
    assert "resum" in (on_slurm.results / "logs/pretrain_encoder/v2_tiny.log").read_text().lower()
    one, other = (each.results / "pretrain/v2_tiny" for each in (on_slurm, local))
    assert (one / "history.csv").read_bytes() == (other / "history.csv").read_bytes()
    resumed, unbroken = (astromer.load_pretrained(str(folder)).model.get_weights() for folder in (one, other))
    assert all(map(np.array_equal, resumed, unbroken))


@takes_minutes
def test_a_run_survives_a_controller_that_is_away(cluster, on_slurm):
    """After the tests above, because it stops the controller of all runs."""
    started = Background(on_slurm, METADATA)
    log = on_slurm.results / "logs/ingest_shard/sim_atlas/0.log"
    wait_for(log.exists)  # only a step that has begun needs no controller
    cluster.stop_controller()
    time.sleep(40)  # some rounds of status queries; without the guard the run waits for ever after one
    cluster.start_controller()
    started.finish()
    assert {job["state"] for job in on_slurm.submitted()} == {"COMPLETED"}


def test_nothing_is_left_running(cluster):
    assert not [job for job in cluster.jobs() if job["state"] in ("RUNNING", "PENDING")]
