"""Provenance of a job: what it read, with which code and parameters, and what it wrote."""

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
UNHASHED = ("dump", "audit")
"""Inputs whose checksum is null: a dump, which every shard reads (its receipt has the checksum), and the leakage audit,
which has to pass before the job, but whose content the job does not use: another audit does not rerun it."""
VERSIONED = ("astromer", "keras", "numpy", "polars", "pyarrow", "scikit-learn", "snakemake", "tensorflow")


def write_provenance(snakemake: Any, started: datetime) -> None:
    """Write the provenance of a finished job to `output.provenance`.

    It consists of rule and wildcards, parameters (including the seed, which is null if the job draws nothing and a list
    for classifiers, and the resolved part of the configuration), resources, checksums of all files that the job read
    and wrote, git commit, versions, times in UTC, and the simulated surveys behind the job. It has no absolute paths.
    """
    from astromer.files import write_json

    params = dict(snakemake.params.items())
    simulated = params.pop("simulated")
    provenance = Path(snakemake.output.provenance)
    log = named(snakemake.log.get("text") or snakemake.log[0])
    asked = {name: snakemake.resources.get(name) for name in ("mem_mb", "runtime")}
    content = {
        "rule": snakemake.rule,
        "wildcards": dict(snakemake.wildcards.items()),
        "data": "simulated" if simulated else "real",
        "simulated_surveys": list(simulated),
        "seed": params.get("seed", params.get("seeds")),
        "params": _without_absolute_paths(params),
        "resources": {"threads": snakemake.threads, **asked},
        "inputs": _inputs(snakemake.input),
        "outputs": dict(_checksums(path for path in snakemake.output if Path(path) != provenance)),
        "benchmark": log.replace("/logs/", "/benchmarks/", 1).removesuffix(".log") + ".jsonl",
        "git_commit": _git_commit(),
        "versions": {"python": sys.version.split()[0]} | _versions(),
        "started": started.isoformat(timespec="seconds"),
        "ended": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    write_json(provenance, content)


def named(path: str) -> str:
    """Name a file so that the name holds on any machine.

    The name is relative to the working directory or, for sources, to the checkout; of a file elsewhere, such as a dump,
    it is the file's own name.
    """
    for folder in (Path.cwd(), ROOT):
        relative = os.path.relpath(path, folder)
        if not relative.startswith(".."):
            return relative
    return Path(path).name


def _without_absolute_paths(value: Any) -> Any:
    """Return parameters as plain values, with sorted keys."""
    if isinstance(value, str):
        return named(value) if Path(value).is_absolute() else value
    if isinstance(value, dict):
        return {key: _without_absolute_paths(item) for key, item in sorted(value.items())}
    return [_without_absolute_paths(item) for item in value] if isinstance(value, list | tuple) else value


def _inputs(given: Any) -> dict[str, str | None]:
    """Return the checksums of the inputs; null for those of `UNHASHED`.

    Those of a folder that another job has written, which every shard reads as well, are those that this job recorded.
    """
    unhashed = [given.get(name) or [] for name in UNHASHED]
    found: dict[str, str | None] = {
        named(path): None for paths in unhashed for path in ([paths] if isinstance(paths, str) else paths)
    }
    folders = [Path(path) for path in given if Path(f"{path}.provenance.json").is_file() and Path(path).is_dir()]
    for folder in folders:
        found |= json.loads(Path(f"{folder}.provenance.json").read_text(encoding="utf-8"))["outputs"]
    hashed = (path for path in given if named(path) not in found and Path(path) not in folders)
    return found | dict(_checksums(hashed))


def _checksums(paths: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield name and checksum of each file, and of each file in a folder of results."""
    from astromer.files import sha256_of

    for path in map(Path, dict.fromkeys(paths)):
        files = [path] if path.is_file() else sorted(file for file in path.rglob("*") if file.is_file())
        # Snakemake marks a folder with the time of its job, after the job.
        files = [file for file in files if file.name != ".snakemake_timestamp"]
        yield from ((named(str(file)), sha256_of(file)) for file in files)


def _git_commit() -> str | None:
    """Return the commit of the sources, with `-dirty` if they differ from it, or None outside a repository."""
    trusted = ["-c", f"safe.directory={ROOT}"]  # the checkout may belong to someone else, as on a shared disk
    command = ["git", *trusted, "-C", str(ROOT), "describe", "--always", "--abbrev=40", "--dirty", "--exclude=*"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None


def _versions() -> dict[str, str]:
    found = {}
    for package in VERSIONED:
        names = [package, "tensorflow-cpu"] if package == "tensorflow" else [package]
        for name in names:
            try:
                found[package] = metadata.version(name)
            except metadata.PackageNotFoundError:
                continue
    if "astromer" not in found:
        from astromer import __version__

        found["astromer"] = __version__
    return found
