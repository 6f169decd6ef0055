"""Start the script of a job with several nodes once on each node."""

import os
import subprocess
import sys
from typing import Any


def is_for_several_nodes(resources: Any) -> bool:
    """Return whether the job has more nodes than the SLURM step of this process; then call `run_on_all_nodes`."""
    return resources.get("nodes", 1) > int(os.environ.get("SLURM_STEP_NUM_TASKS", "1"))


def run_on_all_nodes(nodes: int, threads: int) -> None:
    """Start this script once on each node of the job and wait; `prepare_devices` combines them into one strategy.

    The layout is passed to `srun`, because Snakemake's executor removes the variables that describe the allocation.
    """
    layout = [f"--nodes={nodes}", f"--ntasks={nodes}", "--ntasks-per-node=1", f"--cpus-per-task={threads}"]
    subprocess.run(["srun", *layout, sys.executable, *sys.argv], check=True)
