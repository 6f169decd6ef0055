"""Start-up of all workflow scripts: import path, environment, log, arguments of the stage, and provenance."""

import inspect
import json
import logging
import os
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from importlib import import_module, metadata
from pathlib import Path
from typing import Any

from _endings import is_final, last_line

ROOT = Path(__file__).resolve().parents[1]
VERSIONED = ("astromer", "keras", "numpy", "polars", "pyarrow", "scikit-learn", "snakemake", "tensorflow")
RECORDED = {"code", "seed", "simulated"}  # parameters for provenance and reruns, which a stage need not take
sys.path.insert(0, str(ROOT))
os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
if threads := os.environ.get("OMP_NUM_THREADS"):  # set by Snakemake to the threads of the job
    for library in ("POLARS_MAX_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
        os.environ.setdefault(library, threads)


def run(snakemake: Any, module: str, function: str, *, unused: Iterable[str] = ()) -> None:
    """Call a stage with the inputs, outputs and parameters of the job as arguments of the same names.

    A stage with the argument `folder` gets the folder of its outputs instead of each output. A missing or an
    unexpected argument is an error.

    Args:
        snakemake: the object that Snakemake provides to a script.
        module, function: names of the stage's module and function.
        unused: names of inputs and parameters that are not passed to the stage.
    """
    with logged(snakemake.log.get("text") or snakemake.log[0]):
        stage = getattr(import_module(module), function)
        stage(**arguments(snakemake, stage, set(unused)))
        if snakemake.output.get("provenance"):
            write_provenance(snakemake)


def arguments(snakemake: Any, stage: Callable[..., None], unused: set[str]) -> dict[str, Any]:
    """Match the inputs, outputs and parameters of the job with the stage's arguments by name; skip empty inputs."""
    taken = inspect.signature(stage).parameters
    outputs = {name: _paths(value) for name, value in snakemake.output.items() if name != "provenance"}
    if "folder" in taken:
        outputs = {"folder": Path(os.path.commonpath([Path(path).parent for path in snakemake.output]))}
    inputs = {name: _paths(value) for name, value in snakemake.input.items()}
    logs = {name: Path(path) for name, path in snakemake.log.items() if name != "text"}
    given = {name: value for name, value in inputs.items() if value != []}
    offers = [given, outputs, logs, dict(snakemake.params.items())]
    offered: dict[str, Any] = {}
    for names in offers:
        if twice := offered.keys() & names.keys() - unused:
            raise TypeError(f"rule {snakemake.rule}: {', '.join(sorted(twice))} stands for two things")
        offered |= names
    surplus = offered.keys() - taken.keys() - unused - RECORDED
    needed = {name for name, argument in taken.items() if argument.default is inspect.Parameter.empty}
    if surplus or (missing := needed - offered.keys()):
        what = f"does not take {sorted(surplus)}" if surplus else f"needs {sorted(missing)}"
        raise TypeError(f"rule {snakemake.rule}: stage {stage.__module__}.{stage.__name__} {what}")
    return {name: offered[name] for name in taken if name in offered}


def _paths(value: Any) -> Path | list[Path]:
    return Path(value) if isinstance(value, str) else [Path(item) for item in value]


@contextmanager
def logged(log: str) -> Iterator[None]:
    """Redirect all output of the job to its log; log a final error as a sentence, other errors with a traceback."""
    Path(log).parent.mkdir(parents=True, exist_ok=True)
    with Path(log).open("a", encoding="utf-8") as stream:
        os.dup2(stream.fileno(), 1)
        os.dup2(stream.fileno(), 2)
        logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
        try:
            yield
        except BaseException as error:
            if is_final(error):
                sys.stderr.write(f"{type(error).__name__}: {error}\n")
            else:
                traceback.print_exc()
            sys.stderr.write(f"{last_line(error)}\n")
            raise SystemExit(1) from None
        finally:
            sys.stdout.flush()
            sys.stderr.flush()


def write_provenance(snakemake: Any) -> None:
    """Write the provenance of the job's outputs to `output.provenance`.

    It consists of rule and wildcards, parameters (including the seed and the resolved part of the configuration),
    checksums of the inputs, git commit, versions, and the simulated surveys of the run.
    """
    from astromer.files import sha256_of, write_json

    params = dict(snakemake.params.items())
    simulated = params.pop("simulated")
    content = {
        "rule": snakemake.rule,
        "wildcards": dict(snakemake.wildcards.items()),
        "data": "simulated" if simulated else "real",
        "simulated_surveys": list(simulated),
        "params": json.loads(json.dumps(params, sort_keys=True)),
        "inputs": {str(path): sha256_of(Path(path)) for path in sorted(set(snakemake.input)) if Path(path).is_file()},
        "git_commit": _git_commit(),
        "versions": {"python": sys.version.split()[0]} | _versions(),
    }
    write_json(Path(snakemake.output.provenance), content)


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
