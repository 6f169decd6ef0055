"""Jobs are read from their provenance: in order, complete, and of one version of each file."""

import json

import pytest

from astromer.errors import InputError
from astromer.runs.jobs import read_jobs

SHARED = {"wildcards": {}, "data": "simulated", "simulated_surveys": ["sim"], "seed": 1, "params": {}}
SHARED |= {"resources": {"threads": 1, "mem_mb": 500, "runtime": 5}, "git_commit": None, "versions": {"python": "3.11"}}
SHARED |= {"benchmark": "results/tiny/benchmarks/job.jsonl", "started": "2026-01-01T00:00:00+00:00"}


@pytest.fixture
def folder(tmp_path):
    """Results of a run of three jobs; the last one to be named ran first, and one led to nothing that is asked for."""
    (tmp_path / "config.json").write_text('{"run": "tiny"}')
    write(tmp_path, "z", inputs={"dump.tar": None}, outputs={"results/tiny/raw.csv": "1"})
    write(tmp_path, "a", inputs={"results/tiny/raw.csv": "1"}, outputs={"results/tiny/table.csv": "2"})
    write(tmp_path, "other", inputs={"results/tiny/raw.csv": "1"}, outputs={"results/tiny/other.csv": "3"})
    return tmp_path


def write(folder, rule, ended="2026-01-01T00:01:00+00:00", **files):
    content = {"rule": rule, **SHARED, **files, "ended": ended}
    (folder / f"{rule}.provenance.json").write_text(json.dumps(content))


def test_jobs_stand_after_those_whose_outputs_they_read(folder):
    jobs = read_jobs(folder, ["table.csv"])
    assert [job.rule for job in jobs] == ["z", "a"]
    assert jobs[0].inputs == {"../../dump.tar": None}
    assert jobs[1].outputs == {"table.csv": "2"}
    assert jobs[1].benchmark == "benchmarks/job.jsonl"


def test_the_last_job_that_wrote_a_file_counts(folder):
    write(folder, "renamed", "2026-01-01T00:02:00+00:00", inputs={}, outputs={"results/tiny/table.csv": "4"})
    assert [job.rule for job in read_jobs(folder, ["table.csv"])] == ["renamed"]


def test_a_file_without_provenance_is_named(folder):
    (folder / "z.provenance.json").unlink()
    with pytest.raises(InputError, match=r"raw\.csv: no provenance file"):
        read_jobs(folder, ["table.csv"])


def test_two_versions_of_a_file_are_an_error(folder):
    write(folder, "z", inputs={}, outputs={"results/tiny/raw.csv": "changed"})
    with pytest.raises(InputError, match=r"raw\.csv: a read another version than the one that z wrote"):
        read_jobs(folder, ["table.csv"])


def test_another_version_of_what_a_job_only_waited_for_is_no_error(folder):
    """The audit: a new one does not rerun the training that waited for it."""
    write(folder, "a", inputs={"results/tiny/raw.csv": None}, outputs={"results/tiny/table.csv": "2"})
    write(folder, "z", inputs={}, outputs={"results/tiny/raw.csv": "changed"})
    assert [job.rule for job in read_jobs(folder, ["table.csv"])] == ["z", "a"]


@pytest.mark.parametrize(
    ("seed", "drawn"), [(None, "no random numbers"), (42, "seed 42"), ([42], "seed 42"), ([42, 43], "seeds 42, 43")]
)
def test_seeds_are_described(folder, seed, drawn):
    write(folder, "z", inputs={}, outputs={"results/tiny/raw.csv": "1"}, seed=seed)
    assert read_jobs(folder, ["raw.csv"])[0].drawn == drawn


def test_provenance_of_another_version_is_named(folder):
    (folder / "z.provenance.json").write_text('{"rule": "z", "inputs": {}}')
    with pytest.raises(InputError, match=r"z\.provenance\.json: expected the provenance of a job"):
        read_jobs(folder, ["table.csv"])
