"""Learning curves of pretraining: loss, RMSE and R2 against the optimizer step."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, NullLocator

from astromer.errors import InputError
from astromer.plots.style import COLUMN, INK, MM, SMALL, STYLE, add_caption, colours, new_figure

FIGURES = ("loss", "rmse_hidden", "r2_hidden")
LABELS = {"loss": "Loss", "rmse_hidden": "RMSE (mag)", "r2_hidden": "$R^2$"}
BINS_PER_DECADE = 25
BAND = (0.05, 0.95)
LOWEST_R2 = -0.5
LABEL_GAP = 0.085  # in units of the panel height
LEGEND_ROW_MM = 3.8


@dataclass(frozen=True)
class LearningCurves:
    """Learning curves and test scores of a training run.

    Attributes:
        history: one row per epoch, as `training.history.History` writes it.
        steps: one row per optimizer step.
        test: `rmse_hidden` and `r2_hidden` of the model on the test set.
    """

    history: pd.DataFrame
    steps: pd.DataFrame
    test: dict[str, float]

    @classmethod
    def read(cls, history: Path, steps: Path, scores: Path) -> "LearningCurves":
        """Read `history.csv`, `steps.csv` and `scores.csv` of an encoder.

        Raises:
            InputError: a column is missing, a table has no row, or the scores have none of the model.
        """
        validated = [f"val_{name}" for name in FIGURES]
        tables = (
            _read(history, ["epoch", "step", *validated]),
            _read(steps, ["step", *FIGURES]),
            _read(scores, ["predictor", *FIGURES[1:]]),
        )
        of_model = tables[2].query("predictor == 'model'")
        if len(of_model) != 1:
            raise InputError(f"{scores}: expected one row of the predictor 'model', found {len(of_model)}")
        # The axis of steps is logarithmic: the initial weights (step 0) are drawn at step 1.
        return cls(
            tables[0].assign(step=tables[0]["step"].clip(1)),
            tables[1],
            {name: of_model[name].item() for name in FIGURES[1:]},
        )

    @property
    def best(self) -> pd.Series:
        """Row of the epoch with the lowest validation loss (the first one of equal losses), whose weights were kept."""
        return self.history.loc[self.history["val_loss"].idxmin()]


def _read(path: Path, columns: Sequence[str]) -> pd.DataFrame:
    table = pd.read_csv(path)
    if missing := [name for name in columns if name not in table.columns]:
        raise InputError(f"{path}: expected the columns {', '.join(columns)}; {', '.join(missing)} not found")
    if table.empty:
        raise InputError(f"{path}: expected at least one row")
    return table


@mpl.rc_context(STYLE)
def learning_curves_figure(curves: Mapping[str, LearningCurves], note: str) -> Figure:
    """Draw loss, RMSE and R2 of encoders against the optimizer step, on a logarithmic axis.

    Args:
        curves: learning curves of each encoder, by its name in the legend.
        note: the caption's first sentences, see `style.source_note`.

    Raises:
        InputError: there is no encoder.
    """
    if not curves:
        raise InputError("learning curves: expected at least one encoder")
    columns = max(1, int(40 // (max(map(len, curves)) + 5)))
    legend_rows = 1 + (-(-len(curves) // columns) if len(curves) > 1 else 0)
    figure = new_figure(COLUMN, (96 + LEGEND_ROW_MM * legend_rows) * MM)
    axes = figure.subplots(len(FIGURES), 1, sharex=True)
    palette = colours(list(curves))
    for axis, name in zip(axes, FIGURES, strict=True):
        for label, colour in palette.items():
            _draw_curves(axis, curves[label], name, colour)
        _limit(axis, list(curves.values()), name)
        tests = {colour: curves[label].test[name] for label, colour in palette.items() if name in curves[label].test}
        _name_tests(axis, tests)
        axis.set_ylabel(LABELS[name])
    axes[0].set_xscale("log")
    axes[0].xaxis.set_major_locator(LogLocator(numticks=9))
    axes[-1].set_xlabel("Optimizer step")
    figure.align_ylabels(axes)
    _add_legends(figure, axes[0], palette, columns)
    best = ", ".join(
        f"{name} {run.best['epoch']:.0f} of {run.history['epoch'].max():.0f}" for name, run in curves.items()
    )
    add_caption(figure, f"{note} {_explanation()} Best epoch: {best}.")
    return figure


def _draw_curves(axis: Axes, run: LearningCurves, name: str, colour: str) -> None:
    bins = _binned(run.steps, name)
    axis.fill_between(bins["step"], bins["low"], bins["high"], color=colour, alpha=0.15, lw=0)
    axis.plot(bins["step"], bins["median"], color=colour, lw=0.7, alpha=0.7)
    axis.plot(run.history["step"], run.history[f"val_{name}"], color=colour, lw=1.2, marker="o", ms=1.8)
    best = run.best
    axis.plot(best["step"], best[f"val_{name}"], "o", ms=5, mfc="none", mec=colour, mew=1)
    if name in run.test:
        axis.axhline(run.test[name], color=colour, ls=":", lw=1)


def _binned(steps: pd.DataFrame, name: str) -> pd.DataFrame:
    """Return median and band of a column in logarithmic bins of steps; the first bins contain one step each."""
    finite = steps[np.isfinite(steps[name])]
    logs = np.log10(finite["step"])
    bins = np.floor(logs * BINS_PER_DECADE)
    values = finite.groupby(bins)[name]
    low, median, high = (values.quantile(fraction) for fraction in (BAND[0], 0.5, BAND[1]))
    return pd.DataFrame({"step": 10 ** logs.groupby(bins).mean(), "median": median, "low": low, "high": high})


def _limit(axis: Axes, runs: Sequence[LearningCurves], name: str) -> None:
    """Set the range of a panel: all medians, validation and test values; for R2, very low values are cut off."""
    series = [values for run in runs for values in (_binned(run.steps, name)["median"], run.history[f"val_{name}"])]
    values = np.concatenate([*series, [run.test[name] for run in runs if name in run.test]])
    low, high = np.nanmin(values), np.nanmax(values)
    if name == "r2_hidden":
        ends = [value for run in runs for value in (run.test[name], run.best[f"val_{name}"])]
        low = max(low, min(LOWEST_R2, min(ends) - 0.5))
        margin = 0.06 * (high - low)
        axis.set_ylim(low - margin, min(high + margin, 1.0))
        return
    axis.set_yscale("log")
    axis.set_ylim(low / 1.15, high * 1.15)
    axis.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5), numticks=20))
    axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.yaxis.set_minor_locator(NullLocator())
    axis.yaxis.set_minor_formatter(NullFormatter())


def _name_tests(axis: Axes, tests: Mapping[str, float]) -> None:
    """Write each test value at the right end of its line; values of close lines are moved apart."""
    by_height = sorted(tests, key=lambda colour: tests[colour])
    to_axes = axis.transData + axis.transAxes.inverted()
    wanted = [float(to_axes.transform((1, tests[colour]))[1]) for colour in by_height]
    for colour, height in zip(by_height, _apart(wanted), strict=True):
        text = f"{tests[colour]:.3f}".replace("-", "\N{MINUS SIGN}")
        axis.text(1.02, height, text, transform=axis.transAxes, color=colour, size=SMALL, va="center")


def _apart(heights: Sequence[float]) -> list[float]:
    """Move ascending heights in [0, 1] at least `LABEL_GAP` apart: first upwards, then down from the top edge."""
    placed: list[float] = []
    for height in np.clip(heights, 0.0, 1.0):
        placed.append(max(height, placed[-1] + LABEL_GAP) if placed else float(height))
    return [min(height, 1.0 - LABEL_GAP * above) for above, height in enumerate(reversed(placed))][::-1]


def _add_legends(figure: Figure, top: Axes, palette: Mapping[str, str], columns: int) -> None:
    kinds = [
        Line2D([], [], color=INK, lw=0.7, label="training"),
        Line2D([], [], color=INK, lw=1.2, marker="o", ms=1.8, label="validation"),
        Line2D([], [], color=INK, lw=1, ls=":", label="test"),
        Line2D([], [], color=INK, lw=0, marker="o", ms=5, mfc="none", label="best epoch"),
    ]
    if len(palette) > 1:
        names = [Line2D([], [], color=colour, lw=2, label=name) for name, colour in palette.items()]
        top.legend(handles=names, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=columns)
    figure.legend(handles=kinds, loc="outside upper center", ncols=4, columnspacing=1.0, handlelength=1.6)


def _explanation() -> str:
    return (
        "Loss: the objective over all probed points, in mag and weighted by uncertainty for Astromer 2; in units of "
        "the windows' standard deviations and with the summary objective for v3. RMSE and R²: hidden "
        "points only, unweighted, for training, validation and test alike (numbers: test). Training: median and 5th to "
        "95th percentile in logarithmic bins of steps, each batch before its update."
    )
