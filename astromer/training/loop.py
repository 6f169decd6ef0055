"""The training loop of pretraining, finetuning and classification.

It replaces `keras.Model.fit` because it resumes at any step, sums over replicas before it takes a root, and has little
overhead on the small classifiers, of which one run of the paper trains hundreds.
"""

import hashlib
import itertools
import json
import logging
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import Any

import keras
import numpy as np
from keras import ops

from astromer.errors import InputError
from astromer.training.devices import is_chief
from astromer.training.history import History
from astromer.training.objectives import Objective
from astromer.training.signals import InterruptedTraining, noted_signals
from astromer.training.state import StateFile, TrainingState
from astromer.training.steps import Batches, compile_step, scores, sum_batches

logger = logging.getLogger(__name__)

READ_EVERY_STEPS = 50
"""Interval at which losses are copied from the device; each copy waits for the device."""
LOG_SECONDS = 10.0
"""Shortest interval between log lines: short epochs are not all logged, and long epochs are logged while they run."""


class DivergenceError(RuntimeError):
    """Report that a loss is not finite."""


def train(
    model: keras.Model,
    optimizer: keras.optimizers.Optimizer,
    objective: Objective,
    training: Callable[[int], Batches],
    validation: Batches,
    *,
    epochs: int,
    patience: int,
    keep_better_start: bool = False,
    jit: bool = False,
    clip_norm: float | None = None,
    windows_at_once: int | None = None,
    on_epoch: Callable[[Mapping[str, float]], None] = lambda row: None,
    state: StateFile | None = None,
) -> History:
    """Train `model` in place until the validation loss has not improved for `patience` epochs; keep the best weights.

    A step computes the gradient of its whole batch, clips it, and lets the optimizer apply it. An epoch ends with its
    validation, the choice of the best epoch, and `on_epoch`, in this order.

    The same model, data and fingerprint give the same weights and curves, no matter how often the run is interrupted.
    Dropout draws from seed generators inside the model: call `keras.utils.set_random_seed` before building it.

    Args:
        model: model whose input is a dict of fields of the batches; built inside `strategy.scope()` if there are
            several replicas.
        optimizer: new optimizer, created in the scope of the model's strategy.
        objective: loss and metrics.
        training: function from an epoch, counted from 0, to its batches; it must return equal batches for equal epochs.
        validation: batches whose loss selects the best epoch.
        epochs: maximum number of epochs; 0 keeps the initial weights, if these are a candidate.
        patience: number of epochs without a lower validation loss after which training stops.
        keep_better_start: validate the initial weights as epoch 0, and return to them if no epoch is better.
        jit: compile the steps with XLA (one replica only).
        clip_norm: maximum norm of the gradient of all weights together.
        windows_at_once: windows of a batch that each replica computes at once, for large batches in little memory.
        on_epoch: called after each epoch with its row of `History.epochs`; the model has the weights of the last step.
        state: file to save to and resume from; on SIGTERM or SIGUSR1 the state is saved at once. None saves nothing.

    Raises:
        InputError: no batches, NaN or infinite inputs, or a damaged state file.
        DivergenceError: the loss is not finite.
        InterruptedTraining: a signal arrived; the next call resumes from the saved state.
    """
    stepping = {"clip_norm": clip_norm, "windows_at_once": windows_at_once}
    loop = _Loop(model, optimizer, objective, stepping, epochs=epochs, patience=patience, jit=jit, state=state)
    return loop.run(training, validation, on_epoch, keep_better_start=keep_better_start)


class _Loop:
    """State and steps of one call of `train`."""

    def __init__(
        self,
        model: keras.Model,
        optimizer: keras.optimizers.Optimizer,
        objective: Objective,
        stepping: Mapping[str, Any],
        *,
        epochs: int,
        patience: int,
        jit: bool,
        state: StateFile | None,
    ) -> None:
        self.model, self.optimizer, self.objective, self.stepping = model, optimizer, objective, stepping
        self.max_epochs, self.patience, self.file = epochs, patience, state
        with model.distribute_strategy.scope():
            optimizer.build(model.trainable_variables)
        self.training_step = compile_step(model, objective, optimizer, jit=jit, **stepping)
        self.validation_step = compile_step(model, objective, None, jit=jit)
        self.state = TrainingState([], [], [], np.zeros((0, len(objective.names) + 1), np.float32), [], 0, 0)
        self.unread: list[Any] = []
        self.signals: list[str] = []
        self.best_row: dict[str, float] | None = None
        self.saved_at = self.logged_at = self.epoch_started = time.monotonic()
        self.last_saved = "none was saved"
        self.rate = ""
        self.windows = 0  # windows on which this process has trained in the current epoch

    def run(
        self,
        training: Callable[[int], Batches],
        validation: Batches,
        on_epoch: Callable[[Mapping[str, float]], None],
        *,
        keep_better_start: bool,
    ) -> History:
        """Train from the saved state, or from the beginning if there is none."""
        resumed = self._resume()
        with noted_signals(self.signals if self.file else None):
            started, first = time.monotonic(), self.state.epoch
            if keep_better_start and not self.state.epochs:
                self._validate_start(validation)
            while not self._finished():
                self._train_epoch(training(self.state.epoch))
                self._validate(validation)
                on_epoch(self.state.epochs[-1])
                self._log(time.monotonic() - started, self.state.epoch - first)
            self._save()
        for weight, best in zip(self.model.weights, self.state.best, strict=True):
            weight.assign(best)
        steps = {"step": np.arange(1, len(self.state.totals) + 1), "learning_rate": self.state.totals[:, -1]}
        return History(self.state.epochs, steps | self._figures(self.state.totals), int(self._best()["epoch"]), resumed)

    def _train_epoch(self, batches: Batches) -> None:
        self.windows, self.epoch_started = 0, time.monotonic()
        for totals in self.training_step.run(self.model, batches, self.state.step_in_epoch):
            self.unread.append(totals)
            self.state.step_in_epoch += len(totals)
            if sum(map(len, self.unread)) >= READ_EVERY_STEPS:
                self._read()
                self._log_step()
            self._check_in()
        self._read()
        self.rate = self._rate()
        if self.state.step_in_epoch == 0:
            raise InputError("the training set has no batches")

    def _validate_start(self, batches: Batches) -> None:
        """Make the initial weights a candidate, as epoch 0, which has no figures of training."""
        validation = sum_batches(self.validation_step, self.model, self.objective, batches, self._check_in)
        figures = scores(self.objective, validation)
        row: dict[str, float] = {"epoch": 0, "step": 0, **{f"val_{name}": value for name, value in figures.items()}}
        if not np.isfinite(row["val_loss"]):
            raise self._divergence(f"the validation loss of the initial weights is {row['val_loss']}", 0, 0.0)
        self._add(row)

    def _validate(self, batches: Batches) -> None:
        """End the epoch: add its row to the history and keep the weights if they are the best so far."""
        validation = sum_batches(self.validation_step, self.model, self.objective, batches, self._check_in)
        state = self.state
        epoch_totals = state.totals[-state.step_in_epoch :, :-1].sum(axis=0, dtype=np.float64)
        step, rate = len(state.totals), float(state.totals[-1, -1])
        row: dict[str, float] = {"epoch": state.epoch + 1, "step": step, "learning_rate": rate}
        row |= scores(self.objective, dict(zip(self.objective.names, epoch_totals, strict=True)))
        row |= {f"val_{name}": value for name, value in scores(self.objective, validation).items()}
        if not np.isfinite(row["val_loss"]):
            raise self._divergence(f"the validation loss is {row['val_loss']}", step, rate)
        self._add(row)
        state.epoch, state.step_in_epoch = state.epoch + 1, 0
        self._check_in()

    def _add(self, row: dict[str, float]) -> None:
        """Add the row of an epoch to the history, and keep the weights if they are the best so far."""
        self.state.epochs.append(row)
        if self.best_row is None or row["val_loss"] < self.best_row["val_loss"]:
            self.best_row, self.state.best = row, _values(self.model.weights)

    def _finished(self) -> bool:
        epoch = self.state.epoch
        return epoch >= self.max_epochs or (epoch > 0 and epoch - self._best()["epoch"] >= self.patience)

    def _best(self) -> dict[str, float]:
        assert self.best_row is not None, "no epoch has ended"
        return self.best_row

    def _figures(self, totals: np.ndarray) -> dict[str, np.ndarray]:
        """Compute the loss and metrics of single steps from their `(steps, totals)`."""
        columns = {name: ops.convert_to_tensor(totals[:, i]) for i, name in enumerate(self.objective.names)}
        return {name: np.asarray(values) for name, values in self.objective.results(columns).items()}

    def _read(self) -> None:
        """Fetch the sums of the latest steps; raise at the first step that is not finite."""
        if not self.unread:
            return
        read, self.unread = np.concatenate([np.asarray(totals) for totals in self.unread]), []
        losses = self._figures(read)["loss"]
        for step, loss, rate, bad in zip(itertools.count(len(self.state.totals) + 1), losses, read[:, -2], read[:, -1]):
            if bad:
                raise InputError(f"step {step}: the batch has {bad:.0f} NaN or infinite values")
            if not np.isfinite(loss):
                raise self._divergence(f"the loss is {loss}", step, rate)
        self.state.totals = np.concatenate([self.state.totals, read[:, :-1]])
        self.windows += int(read[:, self.objective.names.index("windows")].sum())

    def _divergence(self, what: str, step: int, learning_rate: float) -> DivergenceError:
        return DivergenceError(
            f"training diverged: {what} at step {step} (epoch {self.state.epoch + 1}) with learning rate "
            f"{learning_rate:.3g}; last good checkpoint: {self.last_saved}"
        )

    def _check_in(self) -> None:
        """Save if it is time, and end the run if a signal has arrived; called between any two calls of a step."""
        if self.file and (self.signals or time.monotonic() - self.saved_at >= self.file.every_seconds):
            self._save()
        if self.signals:
            raise InterruptedTraining(f"{self.signals[0]} came; the next attempt resumes from {self.last_saved}")

    def _save(self) -> None:
        if not self.file:
            return
        self._read()
        state = self.state
        state.variables, state.optimizer = _values(self.model.variables), _values(self.optimizer.variables)
        if not all(np.isfinite(values).all() for values in state.variables):
            step, rate = len(state.totals), float(state.totals[-1, -1])
            raise self._divergence("the weights are not finite", step, rate)
        if is_chief(self.model.distribute_strategy):
            self.file.save(state, self._description())
        self.saved_at = time.monotonic()
        self.last_saved = f"{self.file.path} (epoch {state.epoch + 1}, after {len(state.totals)} steps)"

    def _resume(self) -> bool:
        state = self.file.load(self._description()) if self.file else None
        if self.file is None or state is None:
            return False
        variables = [*self.model.variables, *self.optimizer.variables]
        for variable, value in zip(variables, [*state.variables, *state.optimizer], strict=True):
            variable.assign(value)
        self.state = state
        self.best_row = min(state.epochs, key=lambda row: row["val_loss"], default=None)
        self.last_saved = f"{self.file.path} (epoch {state.epoch + 1}, after {len(state.totals)} steps)"
        logger.info("resuming from %s", self.last_saved)
        return True

    def _description(self) -> str:
        """Digest the definition of this run: optimizer, objective, variables and stopping rule."""
        content = {
            "optimizer": {**self.optimizer.get_config(), "name": None},  # Keras numbers the names within a process
            "objective": repr(self.objective),
            "variables": [f"{variable.shape} {variable.dtype}" for variable in self.model.variables],
            "stopping": [self.max_epochs, self.patience],
            "stepping": self.stepping,
        }
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    def _log_step(self) -> None:
        """Log the progress within a long epoch."""
        if time.monotonic() - self.logged_at < LOG_SECONDS:
            return
        step = len(self.state.totals)
        loss = self._figures(self.state.totals[-1:, :-1])["loss"][0]
        self.logged_at = time.monotonic()
        logger.info("epoch %d, step %d: loss %.5f, %s", self.state.epoch + 1, step, loss, self._rate())

    def _log(self, seconds: float, epochs_here: int) -> None:
        if time.monotonic() - self.logged_at < LOG_SECONDS and not self._finished():
            return
        row, best = self.state.epochs[-1], self._best()
        self.logged_at = time.monotonic()
        logger.info(
            "epoch %d of at most %d: loss %.5f, validation loss %.5f (best %.5f in epoch %d), %s, at most %s left",
            row["epoch"],
            self.max_epochs,
            row["loss"],
            row["val_loss"],
            best["val_loss"],
            best["epoch"],
            self.rate,
            timedelta(seconds=round(seconds / epochs_here * (self.max_epochs - row["epoch"]))),
        )

    def _rate(self) -> str:
        """Return the training windows per second in the current epoch as text."""
        return f"{self.windows / (time.monotonic() - self.epoch_started):.0f} windows/s"


def _values(variables: Iterable[keras.Variable]) -> list[np.ndarray]:
    """Return copies of the variables' values."""
    return [np.asarray(ops.convert_to_tensor(variable)).copy() for variable in variables]
