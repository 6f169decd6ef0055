"""Start-up of all workflow scripts: import path, environment, log, arguments of the stage, and provenance."""

import inspect
import logging
import os
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

from _endings import is_final, last_line
from _gpus import take_gpus
from _keras import LightKeras
from _provenance import write_provenance

ROOT = Path(__file__).resolve().parents[1]
RECORDED = {"code", "seed", "simulated"}  # parameters for provenance and reruns, which a stage need not take
sys.path.insert(0, str(ROOT))
sys.meta_path.insert(0, LightKeras())
os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
if threads := os.environ.get("OMP_NUM_THREADS"):  # set by Snakemake to the threads of the job
    for library in ("POLARS_MAX_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
        os.environ.setdefault(library, threads)


def run(snakemake: Any, module: str, function: str, *, unused: Iterable[str] = ()) -> None:
    """Call a stage with the inputs, outputs and parameters of the job as arguments of the same names.

    TensorFlow finds the GPUs of the job, takes their memory as it needs it, and computes deterministically, unless the
    stage decides that by the section `devices` of the configuration. A stage with the argument `folder` gets the folder
    of its outputs instead of each output. A missing or an unexpected argument is an error.

    Args:
        snakemake: the object that Snakemake provides to a script.
        module, function: names of the stage's module and function.
        unused: names of inputs and parameters that are not passed to the stage.
    """
    with logged(snakemake.log.get("text") or snakemake.log[0]):
        started = datetime.now(UTC)
        take_gpus(snakemake.resources.get("gpu_share"))
        stage = getattr(import_module(module), function)
        if "devices" not in inspect.signature(stage).parameters:
            os.environ["TF_DETERMINISTIC_OPS"] = "1"  # read by the first operation
        stage(**arguments(snakemake, stage, set(unused)))
        if (
            snakemake.output.get("provenance") and os.environ.get("SLURM_PROCID", "0") == "0"
        ):  # of several nodes, the first
            write_provenance(snakemake, started)


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
    """Redirect all output of the job to its log; log a final error as a sentence, other errors with a traceback.

    An error that the log cannot take, because its disk is full, goes to the terminal as a sentence.
    """
    Path(log).parent.mkdir(parents=True, exist_ok=True)
    with Path(log).open("a", encoding="utf-8") as stream:
        terminal = os.dup(2)
        os.dup2(stream.fileno(), 1)
        os.dup2(stream.fileno(), 2)
        logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
        try:
            yield
            sys.stdout.flush()
        except BaseException as error:
            sentence = f"{type(error).__name__}: {error}\n"
            try:
                sys.stdout.flush()
                sys.stderr.write(sentence if is_final(error) else traceback.format_exc())
                sys.stderr.write(f"{last_line(error)}\n")
            except OSError as unwritten:
                os.write(terminal, f"{log}: {unwritten}. The job ended with {sentence}".encode())
            raise SystemExit(1) from None
