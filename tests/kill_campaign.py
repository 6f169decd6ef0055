"""Kill runs of the workflow at random moments, fill their disk, and move their folder: the results must not change.

    python tests/kill_campaign.py --kills 50

An unbroken run is the reference. Other runs of the same configuration meet accidents, in processes as a user has them;
what is undisturbed, the reference and the last attempt of each run, forks from one that has imported the libraries:

- SIGKILL at a random moment of everything, of Snakemake alone (its jobs go on beside the next attempt), or of one job;
- a working directory that is renamed after a kill;
- a disk that is full at ten sizes: a tmpfs in a mount namespace of its own, skipped where `unshare` is not permitted.

After an accident the same command is given again, after `--unlock` where a lock was left. When a run ends well, its
tables, figures, splits and records are compared with those of the reference byte for byte. The script prints a table of
the accidents and ends with status 1 if anything differs, or if a file or a process is left behind.
"""

import argparse
import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

sys.path[:0] = [str(Path(__file__).parent / "helpers"), str(Path(__file__).parents[1])]

import warm_python  # noqa: E402
from workflow_run import TINY, Workflow, environment  # noqa: E402

VICTIMS = ("everything", "Snakemake", "one job")
DISK_FULL = "No space left on device"
TIMESTAMP = ".snakemake_timestamp"  # which Snakemake leaves in each folder that is an output
NAMESPACE = ["unshare", "--map-root-user", "--mount"]
IN_NAMESPACE = "KILL_CAMPAIGN_MAY_MOUNT"
ORPHAN_SECONDS = 600


@dataclass(frozen=True)
class Accident:
    """One attempt that did not end well: what happened, when, finished jobs by then, and whether a lock was left."""

    run: str
    kind: str
    when: str
    jobs: int
    locked: bool


class Campaign:
    """Broken runs of one configuration.

    Attributes:
        folder: holds the working directories.
        config: the configuration of all runs.
        arguments: those of the command line.
        reference: the results of an unbroken run, as `Workflow.checksums` returns them.
        accidents: all accidents so far.
        wrong: one line per difference from the reference, and per thing left behind.
    """

    def __init__(self, folder: Path, config: dict, arguments: Sequence[str]) -> None:
        self.folder, self.config, self.arguments = folder, config, arguments
        self.reference: dict[str, bytes] = {}
        self.accidents: list[Accident] = []
        self.wrong: list[str] = []

    def run_unbroken(self) -> tuple[float, float]:
        """Make the reference; return its seconds and the megabytes of its working directory."""
        run, started = Workflow(self.folder / "unbroken", self.config), time.monotonic()
        run.run(*self.arguments)
        self.reference = run.checksums()
        size = sum(path.stat().st_size for path in run.folder.rglob("*") if path.is_file())
        return time.monotonic() - started, size / 1e6

    def kill(self, count: int, seconds: float, rng: random.Random) -> None:
        """Kill runs `count` times, each attempt after at most `seconds`; finish every run that was begun."""
        while count > 0:
            run = Workflow(self.folder / f"killed {len(self.accidents)}", self.config)
            while count > 0 and self._kill_once(run, rng.choice(VICTIMS), rng.uniform(1, seconds)):
                count -= 1
            self._finish(run)

    def move(self, seconds: float) -> None:
        """Kill a run, rename its working directory, and finish it there."""
        run = Workflow(self.folder / "before", self.config)
        self._kill_once(run, "everything", seconds)
        self._finish(Workflow(run.folder.rename(self.folder / "a moved run"), self.config))

    def fill(self, sizes_mb: Sequence[float]) -> None:
        """Let the disk of a run be full at each of the sizes, then finish it with enough room."""
        disk = self.folder / "disk"
        disk.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={sizes_mb[0] * 1e6:.0f}", "tmpfs", disk], check=True)
        run = Workflow(disk / "run", self.config)
        for size in sizes_mb:
            subprocess.run(["mount", "-o", f"remount,size={size * 1e6:.0f}", disk], check=True)
            status, output = self._attempt(run)
            if status == 0 or DISK_FULL not in output:
                self.wrong.append(f"{size:.1f} MB: expected the message {DISK_FULL!r} and a failure: {output[-2000:]}")
            self._note(run, "disk full", f"{size:.1f} MB")
        subprocess.run(["mount", "-o", "remount,size=4g", disk], check=True)
        self._finish(run)
        subprocess.run(["umount", disk], check=True)

    def _kill_once(self, run: Workflow, victim: str, moment: float) -> bool:
        """Start a run and kill a part of it at a moment; return False if it ended before."""
        with tempfile.TemporaryFile() as out:
            command = run.command(*self.arguments)
            process = subprocess.Popen(command, cwd=run.folder, env=environment(), stdout=out, stderr=out)
            with contextlib.suppress(subprocess.TimeoutExpired):
                return process.wait(moment) != 0
            below = descendants(process.pid)
            scripts = [job for job in below if ".snakemake/scripts/" in command_line(job)]
            chosen = {"everything": [process.pid, *below], "Snakemake": [process.pid], "one job": scripts[:1]}[victim]
            for each in chosen:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(each, signal.SIGKILL)
            ended_well = process.wait() == 0  # after the kill of a job, the others go on to their ends
        if not ended_well:
            self._note(run, f"SIGKILL of {victim}", f"{moment:.1f} s")
        return not ended_well

    def _attempt(self, run: Workflow, python: str = sys.executable) -> tuple[int, str]:
        command = [python, *run.command(*self.arguments)[1:]]
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, cwd=run.folder, env=environment(), errors="replace"
        )
        return done.returncode, done.stdout + done.stderr

    def _note(self, run: Workflow, kind: str, when: str) -> None:
        """Note an accident, and remove the lock that it left."""
        locks = run.folder / ".snakemake/locks"
        locked = locks.is_dir() and any(locks.iterdir())
        jobs = len(list((run.results / "benchmarks").rglob("*.jsonl")))
        self.accidents.append(Accident(run.folder.name, kind, when, jobs, locked))
        print(f"| {run.folder.name} | {kind} | {when} | {jobs} | {'yes' if locked else 'no'} |", flush=True)
        if locked:
            run.run("--unlock")

    def _finish(self, run: Workflow) -> None:
        """Finish a run, compare it with the reference, and delete it."""
        status, output = self._attempt(run, warm_python.executable())
        wait_for_processes_in(run.folder)
        if status:
            self.wrong.append(f"{run.folder.name}: the last attempt failed: {output[-2000:]}")
            return
        found = run.checksums()
        differing = [name for name in sorted(found | self.reference) if found.get(name) != self.reference.get(name)]
        left = [path for path in run.results.rglob(".*") if path.is_file() and path.name != TIMESTAMP]
        self.wrong += [f"{run.folder.name}: {name} differs from the unbroken run" for name in differing]
        self.wrong += [f"{run.folder.name}: {path.relative_to(run.folder)} is left" for path in left]
        shutil.rmtree(run.folder)


def descendants(process: int) -> list[int]:
    """Return the processes below a process, parents first."""
    found = []
    for task in Path(f"/proc/{process}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            children = [int(child) for child in task.read_text().split()]
            found += [below for child in children for below in (child, *descendants(child))]
    return found


def command_line(process: int) -> str:
    """Return the command line of a process, empty if it has ended."""
    try:
        return Path(f"/proc/{process}/cmdline").read_text().replace("\0", " ")
    except OSError:
        return ""


def wait_for_processes_in(folder: Path) -> None:
    """Wait for the jobs that lost their Snakemake."""
    end = time.monotonic() + ORPHAN_SECONDS
    while any(str(folder) in command_line(int(path.name)) for path in Path("/proc").glob("[0-9]*")):
        if time.monotonic() > end:
            raise TimeoutError(f"{folder}: a job goes on {ORPHAN_SECONDS} s after its run")
        time.sleep(0.5)


def read_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=50, help="number of SIGKILLs")
    parser.add_argument("--disks", type=int, default=10, help="number of sizes at which the disk is full")
    parser.add_argument("--seed", type=int, default=1, help="seed of moments and victims")
    parser.add_argument("--config", type=Path, default=TINY, help="configuration of the runs")
    parser.add_argument("--target", default="all", help="what the runs make")
    return parser.parse_args()


def main() -> int:
    """Run the campaign and print its table."""
    if IN_NAMESPACE not in os.environ:
        allowed = subprocess.run([*NAMESPACE, "true"], capture_output=True, check=False).returncode == 0
        wrapper = NAMESPACE if allowed else []
        status = subprocess.run(
            [*wrapper, sys.executable, *sys.argv], env=os.environ | {IN_NAMESPACE: str(int(allowed))}, check=False
        )
        return status.returncode
    options = read_arguments()
    with tempfile.TemporaryDirectory(prefix="kill campaign ") as folder:
        config = yaml.safe_load(options.config.read_text())
        campaign = Campaign(Path(folder), config, ["--cores", "2", "--", options.target])
        seconds, size_mb = campaign.run_unbroken()
        print(f"unbroken run: {seconds:.0f} s, {size_mb:.1f} MB, {len(campaign.reference)} files compared", flush=True)
        print("| run | accident | at | jobs done | lock left |", "|---|---|---|---|---|", sep="\n")
        campaign.kill(options.kills, seconds / 2, random.Random(options.seed))
        campaign.move(seconds / 2)
        if options.disks and os.environ[IN_NAMESPACE] == "0":
            print("disk full: skipped, `unshare` may not make a mount namespace here")
        elif options.disks:
            campaign.fill([size_mb * (number + 0.5) / options.disks for number in range(options.disks)])
    print(f"{len(campaign.accidents)} accidents, {len(campaign.wrong)} things wrong", *campaign.wrong, sep="\n")
    return bool(campaign.wrong)


if __name__ == "__main__":
    sys.exit(main())
