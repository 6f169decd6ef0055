"""Losses and metrics, computed from sums that can be added over batches, epochs and replicas.

Neither the root of a mean nor R2 can be averaged over batches. An objective therefore reduces a batch to `totals`, sums
that may be added over batches of any size, and computes the loss and metrics from totals with `results`. The loss of a
step and the scores of a whole survey are computed by the same two functions.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from keras import ops

from astromer.models.encoders import predicted_magnitudes
from astromer.models.scale import window_scale

Totals = dict[str, Any]
"""Name to sum over windows or points: a float32 scalar, or an array with one element per batch."""


class Objective(Protocol):
    """A loss with its metrics; `totals` always has `windows`, `results` always has `loss`."""

    @property
    def fields(self) -> Mapping[str, tuple[tuple[int | None, ...], str]]:
        """Shape and dtype of each entry of the batch that `totals` reads."""
        ...

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the totals, in the order in which they are stacked and stored."""
        ...

    @property
    def learned(self) -> tuple[str, ...]:
        """Names of the totals through which the loss depends on the weights."""
        ...

    def totals(self, outputs: Any, batch: Mapping[str, Any]) -> Totals:
        """Sum one batch."""
        ...

    def results(self, totals: Totals) -> dict[str, Any]:
        """Compute the loss and metrics from sums, elementwise."""
        ...


@dataclass(frozen=True)
class ReconstructionObjective:
    """Masked reconstruction of magnitudes (Donoso-Oliva et al. 2026, A&A 707, A170, with the released numerics).

    The loss is the root of the mean over windows of the window's mean squared error [mag^2] over its probed points;
    with `weighted`, squared errors are multiplied by the point's uncertainty weight and still divided by the number
    of probed points. A window without probed points counts as an error of zero, as in the released code. With `scaled`,
    the errors of the loss are in units of the standard deviation of the window's visible magnitudes.

    The metrics are unweighted and separate for the hidden points and for all probed points: `rmse` is the same root,
    over the windows that have such points; R2 pools all points, with the variation around the mean of each window.

    Outputs, or their entry `magnitudes`, and every field have the shape `(batch, window, 1)`.
    """

    weighted: bool
    scaled: bool = False

    names = (
        "windows",
        "loss",
        *(f"{what}_{where}" for where in ("hidden", "probed") for what in ("windows", "mse", "residual", "variation")),
    )
    learned = ("loss",)

    @property
    def fields(self) -> Mapping[str, tuple[tuple[int | None, ...], str]]:
        """Shape and dtype of each entry of the batch that `totals` reads."""
        read = ("target", "probed", "hidden", "weight", *(("magnitudes", "valid") if self.scaled else ()))
        return dict.fromkeys(read, ((None, None, 1), "float32"))

    def totals(self, outputs: Any, batch: Mapping[str, Any]) -> Totals:
        """Sum windows, mean squared errors of windows, and squared residuals and variations of points."""
        target, probed, hidden, weight = (_points(batch[name]) for name in ("target", "probed", "hidden", "weight"))
        squared = ops.square(target - _points(predicted_magnitudes(outputs)))
        loss = _window_mean(squared * weight if self.weighted else squared, probed)
        if self.scaled:
            loss = loss / ops.square(window_scale(batch["magnitudes"], batch["valid"])[:, 0, 0])
        sums = {"windows": ops.sum(ops.ones_like(loss)), "loss": ops.sum(loss)}
        for where, mask in (("hidden", hidden), ("probed", probed)):
            sums[f"windows_{where}"] = ops.sum(ops.cast(ops.any(mask > 0, axis=1), "float32"))
            sums[f"mse_{where}"] = ops.sum(_window_mean(squared, mask))
            sums[f"residual_{where}"] = ops.sum(squared * mask)
            centre = _window_mean(target, mask)[:, None]
            sums[f"variation_{where}"] = ops.sum(ops.square(target - centre) * mask)
        return sums

    def results(self, totals: Totals) -> dict[str, Any]:
        """Return `loss` and `{rmse,r2}_{hidden,probed}`; NaN if no window has such points."""
        figures = {"loss": _root(totals["loss"] / totals["windows"])}
        for where in ("hidden", "probed"):
            figures[f"rmse_{where}"] = _root(totals[f"mse_{where}"] / totals[f"windows_{where}"])
            figures[f"r2_{where}"] = 1.0 - totals[f"residual_{where}"] / totals[f"variation_{where}"]
        return figures


@dataclass(frozen=True)
class ClassificationObjective:
    """Categorical cross-entropy of logits `(batch, classes)` against the integer field `label` `(batch,)`.

    Attributes:
        weighted: multiply the loss and the hits of each window by the float32 field `weight` `(batch,)` and divide by
            the sum of the weights; without it, windows have equal weight, as in the released code.
    """

    weighted: bool = False

    names = ("windows", "loss", "correct", "weight")
    learned = ("loss",)

    @property
    def fields(self) -> Mapping[str, tuple[tuple[int | None, ...], str]]:
        """`label`, and `weight` if `weighted`."""
        return {"label": ((None,), "int32")} | ({"weight": ((None,), "float32")} if self.weighted else {})

    def totals(self, outputs: Any, batch: Mapping[str, Any]) -> Totals:
        """Sum windows, weights, and weighted cross-entropies and hits (the largest logit is that of the label)."""
        logits, label = ops.cast(outputs, "float32"), ops.cast(batch["label"], "int32")
        # Sparse, so that a label beyond the last class fails: as a one-hot row of zeros, it would give a loss of zero.
        loss = ops.sparse_categorical_crossentropy(label, logits, from_logits=True)
        correct = ops.cast(ops.equal(ops.cast(ops.argmax(logits, axis=-1), "int32"), label), "float32")
        weight = batch["weight"] if self.weighted else ops.ones_like(loss)
        return {
            "windows": ops.sum(ops.ones_like(loss)),
            "loss": ops.sum(weight * loss),
            "correct": ops.sum(weight * correct),
            "weight": ops.sum(weight),
        }

    def results(self, totals: Totals) -> dict[str, Any]:
        """Return `loss` and `accuracy`."""
        return {"loss": totals["loss"] / totals["weight"], "accuracy": totals["correct"] / totals["weight"]}


def _points(values: Any) -> Any:
    """Convert `(batch, window, 1)` to float32 `(batch, window)`: sums are never computed in half precision."""
    return ops.squeeze(ops.cast(values, "float32"), axis=-1)


def _window_mean(values: Any, mask: Any) -> Any:
    """Average `values` `(batch, window)` over the points where `mask` is 1: `(batch,)`, zero if there are none."""
    return ops.divide_no_nan(ops.sum(values * mask, axis=1), ops.sum(mask, axis=1))


def _root(mean: Any) -> Any:
    """Return the square root, with a gradient of zero at zero: a batch without probed points gives no NaN gradients."""
    return ops.where(mean > 0, ops.sqrt(ops.where(mean > 0, mean, 1.0)), 0.0 * mean)
