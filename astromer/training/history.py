"""Learning curves of a training run, as CSV tables and TensorBoard events."""

import csv
import io
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from astromer.files import atomic_path, write_text


@dataclass(frozen=True)
class History:
    """Curves of one training run, without wall times, so that equal runs write equal tables.

    Attributes:
        epochs: one row per epoch: `epoch` (from 1; 0 for the initial weights, which are only validated), `step`
            (optimizer steps so far), `learning_rate`, then the loss and metrics of the objective over the epoch's
            training steps and, as `val_...`, over the validation set.
        steps: arrays `(steps,)`: `step` (from 1), `learning_rate`, then the loss and metrics of the objective on the
            step's batch, before the update.
        best_epoch: the epoch whose weights the model has; the first one if several are equally good.
        resumed: whether the run went on from a saved state.
    """

    epochs: list[dict[str, float]]
    steps: dict[str, np.ndarray]
    best_epoch: int
    resumed: bool = False

    def write(self, folder: Path) -> None:
        """Write `history.csv` (one row per epoch) and `steps.csv` (one row per optimizer step)."""
        write_text(Path(folder, "history.csv"), _csv(list(self.epochs[-1]), self.epochs))
        write_text(Path(folder, "steps.csv"), _csv(list(self.steps), self._step_rows()))

    def write_tensorboard(self, folder: Path) -> None:
        """Write the same curves as TensorBoard events below `folder`: `train` by step, `validation` by epoch."""
        validation = [
            {"step": row["step"]} | {name[4:]: value for name, value in row.items() if name.startswith("val_")}
            for row in self.epochs
        ]
        _write_events(Path(folder, "train", "events.out.tfevents.train"), self._step_rows())
        _write_events(Path(folder, "validation", "events.out.tfevents.validation"), validation)

    def _step_rows(self) -> list[dict[str, float]]:
        return [dict(zip(self.steps, row, strict=True)) for row in zip(*self.steps.values(), strict=True)]


def _csv(header: list[str], rows: list[dict[str, float]]) -> str:
    """Format a table, with empty cells for missing values; nine digits represent a float32 exactly."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([f"{row[name]:.9g}" if name in row else "" for name in header] for row in rows)
    return text.getvalue()


def _write_events(path: Path, rows: Sequence[Mapping[str, float]]) -> None:
    """Write one event per row; the protocol buffers come with TensorFlow, so TensorBoard need not be installed."""
    import tensorflow as tf

    event, summary = tf.compat.v1.Event, tf.compat.v1.Summary

    def events() -> Iterator[Any]:
        yield event(file_version="brain.Event:2", wall_time=time.time())
        for row in rows:
            values = [summary.Value(tag=name, simple_value=row[name]) for name in row if name != "step"]
            yield event(step=int(row["step"]), wall_time=time.time(), summary=summary(value=values))

    with atomic_path(path) as temporary, tf.io.TFRecordWriter(str(temporary)) as writer:
        for message in events():
            writer.write(message.SerializeToString())
