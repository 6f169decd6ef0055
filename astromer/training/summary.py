"""Objective of reconstruction plus prediction of a star's statistics and period."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from keras import ops

from astromer.config.statistics import STATISTICS
from astromer.training.objectives import ReconstructionObjective, Totals

PERIOD_SHARE = 0.3  # of the cross-entropy of the period's class, beside the squared error of the statistics; not tuned


@dataclass(frozen=True)
class SummaryObjective:
    """The loss of reconstruction plus `weight` times that of the summary.

    The latter is the mean squared error of the normalised ranks of the statistics plus 0.3 times the cross-entropy of
    the class of the period; windows of stars without a period count in the former alone.

    Outputs: dict of `magnitudes` `(batch, window, 1)`, `statistics` `(batch, 30)` and logits `period_class`
    `(batch, 48)`. Fields: those of reconstruction, `statistics` `(batch, 30)` and `period_class` `(batch,)`, -1 for
    none.
    """

    reconstruction: ReconstructionObjective
    weight: float

    @property
    def fields(self) -> Mapping[str, tuple[tuple[int | None, ...], str]]:
        """Shape and dtype of each entry of the batch that `totals` reads."""
        targets = {"statistics": ((None, len(STATISTICS)), "float32"), "period_class": ((None,), "int32")}
        return {**self.reconstruction.fields, **targets}

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the totals."""
        return (*self.reconstruction.names, "statistics", "windows_period", "period")

    @property
    def learned(self) -> tuple[str, ...]:
        """Names of the totals through which the loss depends on the weights."""
        return (*self.reconstruction.learned, "statistics", "period")

    def totals(self, outputs: Mapping[str, Any], batch: Mapping[str, Any]) -> Totals:
        """Sum one batch."""
        sums = self.reconstruction.totals(outputs, batch)
        error = ops.mean(ops.square(ops.cast(outputs["statistics"], "float32") - batch["statistics"]), axis=-1)
        label = batch["period_class"]
        has_period = ops.cast(label >= 0, "float32")
        logits = ops.cast(outputs["period_class"], "float32")
        crossentropy = ops.sparse_categorical_crossentropy(ops.maximum(label, 0), logits, from_logits=True)
        return sums | {
            "statistics": ops.sum(error),
            "windows_period": ops.sum(has_period),
            "period": ops.sum(crossentropy * has_period),
        }

    def results(self, totals: Totals) -> dict[str, Any]:
        """Give the figures of reconstruction, `loss` of both, and `loss_{reconstruction,statistics,period}`."""
        figures = self.reconstruction.results(totals)
        statistics = totals["statistics"] / totals["windows"]
        period = ops.divide_no_nan(totals["period"], totals["windows_period"])
        loss = figures["loss"] + self.weight * (statistics + PERIOD_SHARE * period)
        parts = {"loss_reconstruction": figures["loss"], "loss_statistics": statistics, "loss_period": period}
        return {**figures, "loss": loss, **parts}
