"""The jobs of a run, read from the provenance that each of them wrote.

Files are named relative to the folder of results: `tables/metrics.csv`. A name that begins with `../` is outside of it,
such as a notebook's source or a dump.
"""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from astromer.errors import InputError
from astromer.files import read_json


@dataclass(frozen=True)
class Job:
    """One finished job.

    Attributes:
        path: the file that holds this provenance.
        rule: name of its rule.
        wildcards: values of the rule's wildcards.
        data: `real` or `simulated`.
        simulated_surveys: surveys behind the job whose stars are simulated.
        seed: seed of its random numbers, or a list of the seeds of its classifiers; None if it draws none.
        params: the rule's parameters.
        resources: `threads`, and `mem_mb` [MiB] and `runtime` [minutes] that it asked for.
        benchmark: the file with its measured time and memory.
        inputs: sha256 checksums by file name; None for a dump, whose receipt `dump.json` has it, and for the
            leakage audit, which had to pass before the job, but whose content the job does not use.
        outputs: sha256 checksums by file name.
        git_commit: commit of the sources, with `-dirty` if they differed from it; None outside a repository.
        versions: versions of Python and of packages.
        started, ended: times in UTC (ISO 8601).
    """

    path: str
    rule: str
    wildcards: Mapping[str, str]
    data: str
    simulated_surveys: Sequence[str]
    seed: int | Sequence[int] | None
    params: Mapping[str, Any]
    resources: Mapping[str, int]
    benchmark: str
    inputs: Mapping[str, str | None]
    outputs: Mapping[str, str]
    git_commit: str | None
    versions: Mapping[str, str]
    started: str
    ended: str

    def __str__(self) -> str:
        return ", ".join([self.rule, *self.wildcards.values()])

    @property
    def drawn(self) -> str:
        """Its seed in words, for descriptions."""
        if self.seed is None:
            return "no random numbers"
        seeds = [self.seed] if isinstance(self.seed, int) else self.seed
        return f"seed{'s' if len(seeds) > 1 else ''} {', '.join(map(str, seeds))}"


def read_jobs(folder: Path, targets: Iterable[str]) -> list[Job]:
    """Return the jobs that led to the targets; each stands after all jobs whose outputs it read.

    Args:
        folder: results of a run.
        targets: files of the run, relative to `folder`.

    Raises:
        InputError: no job wrote a target, or a job read another version of a file than the one that is recorded.
    """
    root = f"results/{read_json(folder / 'config.json').get('run')}"
    found = [_read_job(path, folder, root) for path in folder.rglob("*provenance.json")]
    producers = {file: job for job in sorted(found, key=lambda job: job.ended) for file in job.outputs}
    ordered: dict[str, Job] = {}

    def producer_of(file: str) -> Job:
        if file not in producers:
            raise InputError(f"{folder / file}: no provenance file names the job that wrote it; run the workflow again")
        return producers[file]

    def visit(job: Job) -> None:
        if job.path in ordered:
            return
        for file, checksum in job.inputs.items():
            if file.startswith("../"):
                continue
            producer = producer_of(file)
            if checksum is not None and producer.outputs[file] != checksum:
                raise InputError(
                    f"{folder / file}: {job} read another version than the one that {producer} wrote; "
                    "expected one version of each file: run the workflow again"
                )
            visit(producer)
        ordered[job.path] = job

    for target in targets:
        visit(producer_of(target))
    return list(ordered.values())


def _read_job(path: Path, folder: Path, root: str) -> Job:
    content = read_json(path)
    try:
        recorded: dict[str, Any] = {field.name: content[field.name] for field in fields(Job) if field.name != "path"}
        for key in ("inputs", "outputs"):
            recorded[key] = {os.path.relpath(name, root): checksum for name, checksum in recorded[key].items()}
        recorded["benchmark"] = os.path.relpath(recorded["benchmark"], root)
    except (KeyError, AttributeError) as error:
        raise InputError(f"{path}: expected the provenance of a job, written by this version: {error}") from None
    return Job(path=path.relative_to(folder).as_posix(), **recorded)
