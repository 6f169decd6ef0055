"""What a job records of its inputs."""

import json
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from snakemake.iocontainers import Namedlist

from astromer.files import sha256_of
from workflow_scripts._provenance import write_provenance


@pytest.fixture
def recorded(tmp_path, monkeypatch):
    """Record a job with an input of every kind; return its provenance."""
    monkeypatch.chdir(tmp_path)
    for name in ("records", "audit.csv", "dump.tar", "model"):
        (tmp_path / name).write_text(name)
    job = SimpleNamespace(
        rule="train",
        input=Namedlist(fromdict={"train": "records", "audit": "audit.csv", "dump": "dump.tar"}),
        output=Namedlist(fromdict={"model": "model", "provenance": "provenance.json"}),
        params=Namedlist(fromdict={"simulated": [], "seed": 3}),
        wildcards=Namedlist(fromdict={}),
        resources=Namedlist(fromdict={"mem_mb": 500, "runtime": 5}),
        log=Namedlist(["results/tiny/logs/train.log"]),
        threads=1,
    )
    write_provenance(job, datetime.now(UTC))
    return json.loads((tmp_path / "provenance.json").read_text())


def test_checksums_are_of_what_a_job_uses(recorded, tmp_path):
    """Not of the audit, a gate: its content may change without a rerun of the job."""
    assert recorded["inputs"] == {"records": sha256_of(tmp_path / "records"), "audit.csv": None, "dump.tar": None}
    assert recorded["outputs"] == {"model": sha256_of(tmp_path / "model")}
