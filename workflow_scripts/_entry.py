"""Start-up that all workflow scripts share: import path, log, environment and provenance."""

import json
import logging
import os
import subprocess
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
VERSIONED = ("astromer", "keras", "numpy", "polars", "pyarrow", "scikit-learn", "snakemake", "tensorflow")
sys.path.insert(0, str(ROOT))
os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
if threads := os.environ.get("OMP_NUM_THREADS"):  # set by Snakemake to the threads of the job
    for library in ("POLARS_MAX_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
        os.environ.setdefault(library, threads)


@contextmanager
def logged(log: str) -> Iterator[None]:
    """Send all output of the job to its log, the traceback of a failure too, and let the failure through."""
    Path(log).parent.mkdir(parents=True, exist_ok=True)
    with Path(log).open("a", encoding="utf-8") as stream:
        os.dup2(stream.fileno(), 1)
        os.dup2(stream.fileno(), 2)
        logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
        try:
            yield
        except BaseException:
            traceback.print_exc()
            raise
        finally:
            sys.stdout.flush()
            sys.stderr.flush()


def write_provenance(snakemake: Any) -> None:
    """Write what the job's outputs came from to `output.provenance`.

    That is: rule and wildcards, parameters (the seed and the resolved part of the configuration among them), checksums
    of the inputs, git commit, versions, and which surveys of the run are simulated.
    """
    from astromer.files import sha256_of, write_json

    params = dict(snakemake.params.items())
    simulated = params.pop("simulated")
    content = {
        "rule": snakemake.rule,
        "wildcards": dict(snakemake.wildcards.items()),
        "data": "simulated" if simulated else "real",
        "simulated_surveys": list(simulated),
        "params": {name: _plain(value) for name, value in sorted(params.items())},
        "inputs": {str(path): sha256_of(Path(path)) for path in sorted(set(snakemake.input)) if Path(path).is_file()},
        "git_commit": _git_commit(),
        "versions": {"python": sys.version.split()[0]} | _versions(),
    }
    write_json(Path(snakemake.output.provenance), content)


def _plain(value: Any) -> Any:
    """Decode parameters that are passed as JSON; leave the others alone."""
    if isinstance(value, str) and value.startswith(("{", "[")):
        return json.loads(value)
    return list(value) if isinstance(value, (list, tuple)) else value


def _git_commit() -> str | None:
    """Return the commit of the sources, with `-dirty` where they differ from it, or None outside of a repository."""
    command = ["git", "-C", str(ROOT), "describe", "--always", "--abbrev=40", "--dirty", "--exclude=*"]
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
