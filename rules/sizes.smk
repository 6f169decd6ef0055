"""Memory, time and GPUs of jobs: from the size of their input and the attempt, capped by what the cluster has.

A cluster's partitions are listed in one file, from which the executor chooses that of a job; the same file says here how
far a retry can grow.
"""

import math

import yaml

from workflow_scripts._gpus import cards
from workflow_scripts._slurm import partitions_file


@cache
def partitions():
    """Return the limits of the cluster's partitions; none where jobs do not run on one."""
    if not hasattr(workflow.executor_settings, "partition_config"):
        return []
    file = partitions_file(workflow.executor_settings.partition_config)
    return list(yaml.safe_load(file.read_text())["partitions"].values())


def asks_for_gpu(rulename):
    """Tell whether the profile gives the jobs of a rule a GPU."""
    given = workflow.resource_settings.overwrite_resources.get(rulename, {})
    return "gpu" in given or "gres" in given


def largest(limit, rulename):
    """Return the largest limit of the partitions that may run the rule, infinite where none is known."""
    kinds = [part for part in partitions() if bool(part.get("max_gpu")) or not asks_for_gpu(rulename)]
    return max((part.get(limit, math.inf) for part in kinds), default=math.inf)


# The bases have head room over measured peaks: a shard of ASAS takes 300 MiB in ingest, the largest job of
# `benchmarks/bench_scale.py` (ingest and records) 674 MB, and the import of TensorFlow alone 670 MB. Tables of objects
# need 38 MB in memory per MB of Parquet (docs/scale.md).
def scaled_mem_mb(base, per_input_mb=0.0):
    """Resource function: MiB for a job.

    Args:
        base: on the first attempt; doubled on each retry.
        per_input_mb: additional MiB per MB of the input files. A dry run ignores files that are not there yet.
    """

    def mem_mb(wildcards, input, attempt, rulename):
        of_input = per_input_mb * size_mb(input) if per_input_mb else 0
        return int(min((base + of_input) * 2 ** (attempt - 1), largest("max_mem_mb", rulename)))

    return mem_mb


def scaled_runtime(base, per_input_mb=0.0):
    """Resource function: minutes for a job; the arguments are those of `scaled_mem_mb`, in minutes and minutes per MB."""

    def runtime_min(wildcards, input, attempt, rulename):
        of_input = per_input_mb * size_mb(input) if per_input_mb else 0
        return int(min((base + of_input) * 2 ** (attempt - 1), largest("max_runtime", rulename)))

    return runtime_min


@cache
def shares_gpus():
    """Tell whether jobs run on this machine and share its GPUs; on a cluster, the profile and the executor give them."""
    is_local = workflow.executor_plugin is None or workflow.executor_plugin.common_settings.local_exec
    return is_local and not workflow.remote_exec and bool(cards())


def gpu_share(quarters):
    """Resource function: quarters of a GPU, or from 4 on, GPUs; 0 where none are shared."""
    return lambda wildcards: quarters if shares_gpus() else 0


def size_mb(input):
    """Return the size of the input files; before these exist, a run evaluates the resource later (FileNotFoundError)."""
    paths = [Path(path) for path in input]
    present = [path for path in paths if path.exists()] if workflow.dryrun else paths
    return sum(map(num_bytes, present)) / 1e6


def num_bytes(path):
    """Return the size of a file or, of a folder that a job has written, of all files below it; a dump is not listed."""
    if path.is_relative_to("results") and path.is_dir():
        return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
    return path.stat().st_size


def sizes_in_messages(rules):
    """Add to the message of each job what it asks for, where a profile gives default resources, as that of a cluster does."""
    for each in rules if workflow.resource_settings.default_resources else []:
        gpus = ", {resources.gpu} GPU" if asks_for_gpu(each.name) else ""
        sizes = f"{each.resources['_cores'].value} CPU{gpus}, {{resources.mem_mb}} MB, {{resources.runtime}} min"
        each.message = f"{each.message} [{sizes}]"
