"""The state of a training run in one file, from which a killed run resumes with identical results."""

import hashlib
import json
import logging
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from astromer.files import atomic_path, sha256_of
from astromer.imports import digest as code_digest

logger = logging.getLogger(__name__)


@dataclass
class TrainingState:
    """Everything that the next step depends on.

    Attributes:
        variables: every variable of the model, seed generators of its dropout included.
        optimizer: every variable of the optimizer.
        best: the model's weights after the best epoch, empty before the first validation.
        totals: `(steps, totals + 1)` float32: the objective's sums and the learning rate of each training step so far.
        epochs: one row of losses and metrics per finished epoch.
        epoch: epochs finished.
        step_in_epoch: training steps done of the epoch in progress.
    """

    variables: list[np.ndarray]
    optimizer: list[np.ndarray]
    best: list[np.ndarray]
    totals: np.ndarray
    epochs: list[dict[str, float]]
    epoch: int
    step_in_epoch: int


@dataclass(frozen=True)
class StateFile:
    """File that holds the state of a run.

    The folder is outside the outputs of the rule, because Snakemake deletes these if the job fails. The caller of the
    training deletes the folder once the results are written.

    Attributes:
        folder: contains `state.npz`, `previous.npz`, the state before it, and nothing else.
        fingerprint: digest of everything outside the training call that its result depends on, such as the seed and the
            checksums of data and initial weights. A state with another fingerprint is not resumed.
        every_seconds: interval between saves: the most work that is lost if the process is killed without a signal.
    """

    folder: Path
    fingerprint: str
    every_seconds: float = 60.0

    @property
    def path(self) -> Path:
        """Path of the file."""
        return Path(self.folder, "state.npz")

    @property
    def previous(self) -> Path:
        """Path of the state before the last one."""
        return self.path.with_name("previous.npz")

    def save(self, state: TrainingState, run: str) -> None:
        """Write the file atomically and keep the one before; `run` describes the training call for `load`."""
        arrays: dict[str, Any] = {"totals": state.totals}
        for name in ("variables", "optimizer", "best"):
            arrays |= {f"{name}/{index:04d}": array for index, array in enumerate(getattr(state, name))}
        progress = {
            "fingerprint": self.fingerprint,
            "run": run,
            "epochs": state.epochs,
            "epoch": state.epoch,
            "step_in_epoch": state.step_in_epoch,
        }
        with atomic_path(self.path) as temporary:
            np.savez(temporary, progress=np.array(json.dumps(progress)), **arrays)
            if self.path.exists():
                self.path.replace(self.previous)

    def load(self, run: str) -> TrainingState | None:
        """Read the state, or the one before if it is damaged; return None if there is none of this run."""
        for path in (self.path, self.previous):
            if path.exists() and (read := _read(path)):
                break
        else:
            return None
        content, progress = read
        if (progress.pop("fingerprint"), progress.pop("run")) != (self.fingerprint, run):
            logger.warning("%s belongs to another configuration, code or other data: starting again", path)
            return None
        groups: dict[str, Any] = {
            name: [content[key] for key in sorted(content) if key.startswith(f"{name}/")]
            for name in ("variables", "optimizer", "best")
        }
        return TrainingState(**groups, totals=content["totals"], **progress)


def _read(path: Path) -> tuple[dict[str, np.ndarray], dict[str, Any]] | None:
    """Read arrays and progress of a state; set a damaged file aside and return None."""
    try:
        with np.load(path, allow_pickle=False) as file:
            content = {name: file[name] for name in file.files}
        return content, json.loads(str(content.pop("progress")))
    except (ValueError, KeyError, EOFError, OSError, zipfile.BadZipFile) as error:
        aside = path.with_name(f"damaged-{path.name}")
        path.replace(aside)
        logger.warning("%s is not a readable training state (%s): it is now %s", path, error, aside.name)
        return None


def fingerprint(files: Sequence[Path], *, stage: Path | str, modules: Iterable[str] = (), **values: Any) -> str:
    """Digest everything that a training run depends on, so that the state of another run is never resumed.

    The versions of TensorFlow and Keras, and the code of the stage, are among it.

    Args:
        files: data and initial weights; their contents are digested.
        stage: source file of the stage; it and all modules that it imports are digested.
        modules: names of further modules of the package that the stage finds by their names.
        **values: numbers, strings, lists and dictionaries.
    """
    values |= {"tensorflow": tf.__version__, "keras": keras.__version__}
    values |= {"code": code_digest(Path(stage), Path(__file__).parents[2], modules)}
    content = hashlib.sha256(json.dumps(values, sort_keys=True).encode())
    for path in files:
        content.update(bytes.fromhex(sha256_of(path)))
    return content.hexdigest()
