"""Pretraining on several nodes, with a stand-in for SLURM's `srun`."""

import csv
import sys

import pytest

SRUN = '''"""As much of srun as is needed: start the command once on each of two nodes, which are this machine."""
import json, os, socket, subprocess, sys

options, command = sys.argv[1:5], sys.argv[5:]
assert options == ["--nodes=2", "--ntasks=2", "--ntasks-per-node=1", "--cpus-per-task=2"], sys.argv
sockets = [socket.create_server(("localhost", 0)) for _ in range(2)]
addresses = ["localhost:%d" % opened.getsockname()[1] for opened in sockets]
for opened in sockets:
    opened.close()
nodes = []
for index in range(2):
    cluster = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}}
    step = {"SLURM_STEP_NUM_TASKS": "2", "SLURM_PROCID": str(index)}
    environment = os.environ | step | {"TF_CONFIG": json.dumps(cluster)}
    nodes.append(subprocess.Popen(command, env=environment))
sys.exit(max(node.wait() for node in nodes))
'''


def test_two_nodes_train_like_one(finished, copy_of, tmp_path, monkeypatch):
    srun = tmp_path / "bin/srun"
    srun.parent.mkdir()
    srun.with_suffix(".py").write_text(SRUN)
    srun.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$0.py" "$@"\n')  # a path with a space is no interpreter
    srun.chmod(0o755)
    monkeypatch.setenv("PATH", str(srun.parent), prepend=":")
    copy = copy_of(finished)
    forced = ("--forcerun", "pretrain_encoder", "--until", "pretrain_encoder")
    copy.run("--cores", "2", "--set-resources", "pretrain_encoder:nodes=2", *forced)
    assert "2 replicas in all" in (copy.results / "logs/pretrain_encoder/v2_tiny.log").read_text()
    for name in ("history.csv", "scores.csv"):
        alone, together = (run.results / f"pretrain/v2_tiny/{name}" for run in (finished, copy))
        for one, other in zip(*(csv.DictReader(path.open()) for path in (alone, together)), strict=True):
            assert one.keys() == other.keys()
            numbers = {key: value for key, value in one.items() if key != "predictor" and value}
            assert {key: float(other[key]) for key in numbers} == pytest.approx(
                {key: float(value) for key, value in numbers.items()}, rel=1e-3
            )
