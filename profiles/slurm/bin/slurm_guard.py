#!/usr/bin/env python3
"""Stand before SLURM's client commands, so that a run survives a controller that is away for a while.

The executor no longer asks for its jobs after one round of failed status queries, and waits for ever; and each job that
it submits meanwhile counts as failed. `squeue`, `sacct` and `sbatch` in this folder, which the Snakefile puts on the
PATH, are links to this file:

- the status query (`squeue --name <run>` or `sacct ... --name <run>`) always succeeds. While the controller is away
  it reports nothing, which leaves the jobs as they are. A job that was seen once and that the controller then forgets
  (`MinJobAge`) is reported as UNKNOWN: the executor then decides by the job's outputs. It always asks `squeue`, because
  `sacct` never reports a cancelled job in a form that the executor recognises.
- `sbatch` waits until the controller is there.

Everything else passes through unchanged.
"""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
AWAY = ("Unable to contact slurm controller", "Zero Bytes were transmitted", "slurmctld is not responding")
QUERY_SECONDS = 40  # the executor gives a query 60 s
WAIT_SECONDS = 10
ENDED = (
    "BOOT_FAIL",
    "CANCELLED",
    "COMPLETED",
    "DEADLINE",
    "FAILED",
    "NODE_FAIL",
    "OUT_OF_MEMORY",
    "TIMEOUT",
    "UNKNOWN",
)


def main(command: str, arguments: list[str]) -> int:
    """Run the guarded command; return its exit status."""
    if command in ("squeue", "sacct") and "--name" in arguments and "--noheader" in arguments:
        return report_status(arguments[arguments.index("--name") + 1])
    if command == "sbatch":
        return submit(arguments)
    os.execv(real(command), [command, *arguments])


def real(command: str) -> str:
    """Find SLURM's own command: the first on the PATH that is not in this folder."""
    places = [place for place in os.environ["PATH"].split(os.pathsep) if Path(place or ".").resolve() != FOLDER]
    found = shutil.which(command, path=os.pathsep.join(places))
    if not found:
        sys.exit(f"{command}: not found")
    return found


def report_status(run: str) -> int:
    """Print `<id>|<state>` of all jobs of the run that the controller knows, or once knew."""
    command = [real("squeue"), "--states=all", "--noheader", "--format=%i|%T", "--name", run]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=QUERY_SECONDS)
    except subprocess.TimeoutExpired:
        return 0
    if done.returncode:
        return 0
    states = dict(line.split("|") for line in done.stdout.split())
    memory = Path(".snakemake", f"slurm-jobs-{run}")  # the run's working directory is this process's too
    seen = set(memory.read_text().split()) if memory.exists() else set()
    forgotten = dict.fromkeys(seen - states.keys(), "UNKNOWN")
    active = {job for job, state in states.items() if state not in ENDED}
    memory.parent.mkdir(exist_ok=True)
    memory.write_text("\n".join(sorted(active | forgotten.keys())))
    sys.stdout.writelines(f"{job}|{state}\n" for job, state in {**states, **forgotten}.items())
    return 0


def submit(arguments: list[str]) -> int:
    """Submit a job; while the controller cannot be reached, wait and try again."""
    script = sys.stdin.read() if "/dev/stdin" in arguments else None
    while True:
        done = subprocess.run([real("sbatch"), *arguments], input=script, capture_output=True, text=True, check=False)
        if not (done.returncode and any(text in done.stderr for text in AWAY)):
            break
        time.sleep(WAIT_SECONDS)
    sys.stdout.write(done.stdout)
    sys.stderr.write(done.stderr)
    return done.returncode


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[0]).name, sys.argv[1:]))
