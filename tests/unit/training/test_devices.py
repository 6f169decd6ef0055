"""Any number of replicas trains like one, in one process or two."""

import itertools
import json
import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import warm_python
from tiny_training import OBJECTIVE, OPTIONS, dataset, small_model

from astromer.errors import InputError
from astromer.training.devices import slurm_nodes, split_over_replicas
from astromer.training.pretraining import pretrain

ROOT = Path(__file__).resolve().parents[3]
HELPERS = ROOT / "tests/helpers"


class TwoReplicas:
    """As much of a strategy as `split_over_replicas` asks for before it refuses."""

    num_replicas_in_sync = 2


def start(folder: Path, kind: str, **environment: str) -> subprocess.Popen:
    """Start `replicas_job.py`; its batches of 6, 6, 6 and 2 windows are the same as ours."""
    environment = os.environ | {"PYTHONPATH": f"{ROOT}:{HELPERS}", "CUDA_VISIBLE_DEVICES": "-1"} | environment
    command = [warm_python.executable(), HELPERS / "replicas_job.py", folder, kind]
    return subprocess.Popen(command, env=environment)


def start_nodes(folder: Path) -> list[subprocess.Popen]:
    """Start two processes that are two nodes of a cluster."""
    sockets = [socket.create_server(("localhost", 0)) for _ in range(2)]
    addresses = [f"localhost:{opened.getsockname()[1]}" for opened in sockets]
    for opened in sockets:
        opened.close()
    clusters = ({"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}} for index in range(2))
    return [start(folder, "nodes", TF_CONFIG=json.dumps(cluster)) for cluster in clusters]


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> Iterator[dict[str, tuple[Path, list[subprocess.Popen]]]]:
    """Both runs at once."""
    folders = {kind: tmp_path_factory.mktemp(kind) for kind in ("devices", "nodes")}
    processes = {"devices": [start(folders["devices"], "devices")], "nodes": start_nodes(folders["nodes"])}
    yield {kind: (folders[kind], processes[kind]) for kind in folders}
    for process in itertools.chain(*processes.values()):
        process.kill()


@pytest.mark.parametrize("kind", ["devices", "nodes"])
def test_two_replicas_train_like_one(runs, kind, tmp_path):
    folder, processes = runs[kind]
    assert [process.wait(timeout=600) for process in processes] == [0] * len(processes)

    model = small_model(dropout=0.0)
    expected = pretrain(model, dataset, dataset(100), OPTIONS, OBJECTIVE)
    expected.write(tmp_path)
    for file in ("history.csv", "steps.csv"):
        found, alone = (np.genfromtxt(place / file, delimiter=",", skip_header=1) for place in (folder, tmp_path))
        np.testing.assert_allclose(found, alone, rtol=1e-3, atol=1e-5)
    with np.load(folder / "weights.npz") as weights:
        for name, weight in zip(weights.files, model.weights, strict=True):
            np.testing.assert_allclose(weights[name], weight, rtol=1e-4, atol=1e-5)


def test_nodes_of_a_slurm_step_are_found_with_or_without_gpus(monkeypatch):
    step = {"JOB_ID": "31007", "PROCID": "1", "STEP_NUM_TASKS": "2", "STEP_NODELIST": "c[1-2]"}
    for name, value in (step | {"STEP_TASKS_PER_NODE": "1(x2)"}).items():
        monkeypatch.setenv(f"SLURM_{name}", value)
    for gpus in (0, 4):
        nodes = slurm_nodes(gpus)
        assert nodes.cluster_spec().as_dict() == {"worker": ["c1:21007", "c2:21007"]}
        assert (nodes.task_type, nodes.task_id, nodes.num_accelerators()) == ("worker", 1, {"GPU": gpus})


def test_lists_of_batches_are_for_one_replica():
    with pytest.raises(InputError, match="list; several replicas"):
        split_over_replicas([], TwoReplicas())
