"""Memory and time of jobs: from the input and the attempt, up to what the cluster has."""

from functools import cache
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from workflow_run import ROOT


@pytest.fixture
def sizes(tmp_path):
    """The functions of `rules/sizes.smk`, on a cluster with two partitions, or without one."""

    def loaded(*, on_slurm: bool = True, dryrun: bool = False):
        limits = {"cpu": {"max_mem_mb": 5000, "max_runtime": 90}, "gpu": {"max_mem_mb": 9000, "max_gpu": 1}}
        file = tmp_path / "partitions.yaml"
        file.write_text(yaml.safe_dump({"partitions": limits}))
        settings = SimpleNamespace(partition_config=file) if on_slurm else None
        given = SimpleNamespace(overwrite_resources={"on_gpu": {"gpu": 1}})
        workflow = SimpleNamespace(executor_settings=settings, resource_settings=given, dryrun=dryrun)
        names = {"workflow": workflow, "Path": Path, "cache": cache}
        exec((ROOT / "rules/sizes.smk").read_text(), names)
        return SimpleNamespace(**names)

    return loaded


@pytest.fixture
def files(tmp_path):
    path = tmp_path / "input"
    path.write_bytes(bytes(2_000_000))
    return [path]


def test_a_folder_of_results_is_as_large_as_all_files_below_it(sizes, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    models = Path("results/run/models")
    (models / "fold0/spc20").mkdir(parents=True)
    for place in ("a.keras", "fold0/b.keras", "fold0/spc20/c.keras"):
        (models / place).write_bytes(bytes(1000))
    assert sizes().num_bytes(models) == 3000


@pytest.mark.parametrize(("attempt", "mem_mb"), [(1, 2008), (2, 4016), (3, 8032)])
def test_memory_follows_input_and_attempt(sizes, files, attempt, mem_mb):
    of_job = sizes(on_slurm=False).scaled_mem_mb(2000, per_input_mb=4)
    assert of_job(None, files, attempt, "any") == mem_mb


def test_a_retry_asks_for_no_more_than_the_partitions_have(sizes, files):
    found = sizes()
    assert found.scaled_mem_mb(2000)(None, files, 3, "on_cpu") == 8000  # the GPU's partition may run it as well
    assert found.scaled_mem_mb(2000)(None, files, 9, "on_cpu") == 9000
    assert found.scaled_runtime(60)(None, files, 3, "on_gpu") == 240, "no limit of this partition is known"


def test_input_that_is_not_there_yet_is_evaluated_later(sizes, tmp_path, files):
    paths = [*files, tmp_path / "absent"]
    with pytest.raises(FileNotFoundError):
        sizes().scaled_mem_mb(2000, per_input_mb=4)(None, paths, 1, "any")
    assert sizes(dryrun=True).scaled_mem_mb(2000, per_input_mb=4)(None, paths, 1, "any") == 2008
