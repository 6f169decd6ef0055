"""Make each target of the workflow alone, beside nothing but what its own jobs need.

    python tests/targets_alone.py --config config/config.yaml

One run makes everything. Then, for each target and for each rule that no target ends with, a new working directory
gets the files of only those jobs from which the target's last jobs follow, and the target is made there. What a job
reads without declaring it is missing in such a folder. A job that fails, another job that runs, and a file that differs
from that of the whole run are printed, and end the script with status 1.
"""

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import yaml

sys.path[:0] = [str(Path(__file__).parent / "helpers"), str(Path(__file__).parents[1])]

from workflow_run import TARGETS, TINY, Workflow  # noqa: E402


@dataclass(frozen=True)
class Job:
    """A job of the whole run; paths are relative to its working directory."""

    rule: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    logs: tuple[str, ...]


def jobs_for(run: Workflow, targets: Iterable[str]) -> list[Job]:
    """List the finished jobs from which targets follow, in no particular order."""
    output = run.run("--detailed-summary", "--rerun-triggers", "mtime", "--", *targets)
    _, header, table = output.partition("output_file\tdate\trule")
    rows = [line.split("\t") for line in (header + table).splitlines()[1:] if line.count("\t") == 7]
    outputs: dict[tuple[str, str, str], list[str]] = {}
    for path, _, rule, logs, inputs, *_ in rows:
        outputs.setdefault((rule, inputs, logs), []).append(path)
    return [
        Job(rule, tuple(_listed(inputs)), tuple(written), tuple(_listed(logs)))
        for (rule, inputs, logs), written in outputs.items()
    ]


def _listed(cell: str) -> list[str]:
    return [] if cell == "-" else cell.split(",")


def last_of(jobs: Iterable[Job]) -> list[Job]:
    """Return the jobs of whose outputs no other job reads any."""
    read = {path for job in jobs for path in job.inputs}
    return [job for job in jobs if not read & set(job.outputs)]


def before(last: Iterable[Job], jobs: Iterable[Job]) -> list[Job]:
    """Return the jobs from which the last ones follow, without these."""
    maker = {path: job for job in jobs for path in job.outputs}
    found: dict[Job, None] = {}
    waiting = list(last)
    while waiting:
        needed = dict.fromkeys(maker[path] for path in waiting.pop().inputs if path in maker)
        waiting += [job for job in needed if job not in found]
        found |= needed
    return list(found)


def make_alone(whole: Workflow, folder: Path, target: str, last: list[Job], jobs: list[Job]) -> str:
    """Make a target from the files of the jobs before its last ones; return what is wrong, empty if nothing is."""
    alone, earlier = Workflow(folder, whole.config), before(last, jobs)
    for job in earlier:
        benchmarks = (path.replace("/logs/", "/benchmarks/").removesuffix(".log") + ".jsonl" for path in job.logs)
        for path in (*job.outputs, *job.logs, *benchmarks):
            if (whole.folder / path).exists() and not (folder / path).exists():
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                copy = shutil.copytree if (whole.folder / path).is_dir() else shutil.copy2
                copy(whole.folder / path, folder / path)
    try:
        output = alone.run("--cores", "2", "--rerun-triggers", "mtime", "--", target)
    except AssertionError as failure:
        return str(failure)
    ran = sum(number for rule, number in alone.jobs(output).items() if rule != target)
    expected, found = whole.checksums(), alone.checksums()
    differing = [name for name in found if found[name] != expected.get(name)]
    missing = [path for job in last for path in job.outputs if not (folder / path).exists()]
    wrong = [f"{path} is missing" for path in missing] + [f"{name} differs" for name in differing]
    temporary = [job for job in earlier if not all((whole.folder / path).exists() for path in job.outputs)]
    if not len(last) <= ran <= len(last) + len(temporary):  # what is deleted after use may be made again
        wrong.append(f"{ran} jobs ran instead of {len(last)}")
    return "; ".join(wrong)


def main() -> int:
    """Make the whole run, then every target alone; print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--config", type=Path, default=TINY, help="configuration of the run")
    parser.add_argument("--finished", type=Path, help="working directory in which the whole run has been made")
    options = parser.parse_args()
    config = yaml.safe_load(options.config.read_text())
    with tempfile.TemporaryDirectory(prefix="targets alone ") as folder:
        whole = Workflow(options.finished or Path(folder, "whole"), config)
        whole.run("--cores", "2", "--rerun-triggers", "mtime", "--", *TARGETS)
        everything = jobs_for(whole, TARGETS)
        tasks = {target: jobs_for(whole, [target]) for target in TARGETS}
        shown = {job.rule for jobs in tasks.values() for job in last_of(jobs)}
        further = {job.rule: job for job in everything if job.rule not in shown}
        cases = {target: last_of(jobs) for target, jobs in tasks.items() if jobs}
        cases |= {job.outputs[0]: [job] for job in further.values()}
        wrong = 0
        for number, (target, last) in enumerate(cases.items()):
            started = time.monotonic()
            problem = make_alone(whole, Path(folder, f"alone {number}"), target, last, everything)
            shutil.rmtree(Path(folder, f"alone {number}"))
            print(f"{target}: {problem or f'{len(last)} jobs, {time.monotonic() - started:.0f} s'}", flush=True)
            wrong += bool(problem)
    print(f"{len(cases)} targets made alone, {wrong} things wrong")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
