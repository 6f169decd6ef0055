"""Light curves with reconstructions of their hidden points (Appendix B of Donoso-Oliva et al. 2026)."""

from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from astromer.errors import InputError
from astromer.evaluation.points import reconstruction_errors
from astromer.plots.style import EIGHT, INK, MM, PAGE, SMALL, STYLE, add_caption, adjust_layout, new_figure

MOST_ROWS = 12
TALLEST_ROW_MM = 27.0
PAGE_MM = 225.0
HEAD_MM = 14.0
TRUE: dict[str, Any] = {"marker": "o", "ms": 2.4, "color": EIGHT[0], "elinewidth": 0.6, "ls": "", "zorder": 3}
PREDICTED: dict[str, Any] = {"marker": "x", "ms": 3.0, "mew": 0.8, "color": EIGHT[1], "ls": "", "zorder": 4}
VISIBLE: dict[str, Any] = {"marker": "o", "ms": 1.6, "color": "#bbbbbb", "ls": "", "zorder": 1}


def rows_per_class(classes: int, available: int) -> int:
    """Return the number of examples per class that fit on a page: at least 1, at most `available`."""
    return max(1, min(available, MOST_ROWS // classes))


@mpl.rc_context(STYLE)
def reconstruction_figure(points: pd.DataFrame, classes: Sequence[str], note: str) -> Figure:
    """Draw windows with hidden points, one per row: over time, predicted against true, and folded.

    Args:
        points: rows of `evaluation.reconstruction.reconstructed_points`; of a class with more examples than fit on a
            page, the first ones are drawn.
        classes: in the order of the rows.
        note: the caption's first sentences, see `style.source_note`.

    Raises:
        InputError: a class has no example.
    """
    if absent := [name for name in classes if name not in set(points["class"])]:
        raise InputError(f"reconstruction figure: expected an example of every class, none of {', '.join(absent)}")
    most = rows_per_class(len(classes), points["example"].max() + 1)
    drawn = points[(points["example"] < most) & points["class"].isin(classes)]
    errors = reconstruction_errors(drawn).set_index("id")
    order = sorted(errors.index, key=lambda name: (classes.index(errors["class"][name]), errors["example"][name]))
    row_mm = min(TALLEST_ROW_MM, (PAGE_MM - HEAD_MM) / len(order))
    figure = new_figure(PAGE, (len(order) * row_mm + HEAD_MM) * MM)
    adjust_layout(figure, h_pad=0.5 * MM, hspace=0.0, w_pad=0.6 * MM)
    axes = figure.subplots(len(order), 3, squeeze=False, width_ratios=[4, 1.6, 2.2])
    for row, name in zip(axes, order, strict=True):
        _draw_window(row, drawn[drawn["id"] == name], errors.loc[name])
    for axis, label in zip(axes[-1], ("MJD", "True (mag)", "Phase"), strict=True):
        axis.set_xlabel(label)
    figure.align_ylabels(axes[:, 0])
    kinds = [
        Line2D([], [], label="visible", **VISIBLE),
        Line2D([], [], label="hidden, true with error", **{k: v for k, v in TRUE.items() if k != "elinewidth"}),
        Line2D([], [], label="hidden, predicted", **PREDICTED),
    ]
    figure.legend(handles=kinds, loc="outside upper center", ncols=3)
    add_caption(figure, f"{note} {_explanation()}")
    return figure


def _draw_window(axes: np.ndarray, points: pd.DataFrame, errors: pd.Series) -> None:
    """Draw the three panels of one window."""
    over_time, against, folded = axes
    visible, hidden = points[~points["hidden"]], points[points["hidden"]]
    over_time.plot(visible["mjd"], visible["mag"], **VISIBLE)
    over_time.errorbar(hidden["mjd"], hidden["mag"], yerr=hidden["err_mag"], **TRUE)
    over_time.plot(hidden["mjd"], hidden["predicted"], **PREDICTED)
    for cycle in (0, 1):
        folded.plot(visible["phase"] + cycle, visible["mag"], **VISIBLE)
        folded.errorbar(hidden["phase"] + cycle, hidden["mag"], yerr=hidden["err_mag"], **TRUE)
        folded.plot(hidden["phase"] + cycle, hidden["predicted"], **PREDICTED)
    low, high = _range(points["mag"], hidden["predicted"])
    for axis in (over_time, folded):
        axis.set_ylim(high, low)
        axis.yaxis.set_major_locator(MaxNLocator(nbins=4, steps=[1, 2, 5, 10], min_n_ticks=2))
    over_time.xaxis.set_major_locator(MaxNLocator(nbins=6, steps=[1, 2, 5, 10], integer=True))
    over_time.ticklabel_format(axis="x", useOffset=False)
    folded.set_xlim(0, 2)
    folded.set_xticks([0, 0.5, 1, 1.5, 2], ["0", "", "1", "", "2"])
    folded.tick_params(axis="y", labelleft=False)
    label: dict[str, Any] = {"size": SMALL, "va": "bottom", "ha": "left"}
    over_time.text(0, 1, f"{errors['class']}  {errors.name}", transform=over_time.transAxes, **label)
    folded.text(0, 1, f"$P$ = {errors['period_days']:.4g} d", transform=folded.transAxes, **label)
    over_time.set_ylabel("mag")
    _draw_identity(against, hidden, errors)
    for axis in axes:
        axis.tick_params(labelsize=SMALL, length=2, pad=1.5)


def _draw_identity(axis: Axes, hidden: pd.DataFrame, errors: pd.Series) -> None:
    """Draw predicted against true magnitudes, the identity, and the RMSE."""
    low, high = _range(hidden["mag"], hidden["predicted"])
    axis.plot([low, high], [low, high], color=INK, lw=0.7, ls="--", zorder=1)
    marks: dict[str, Any] = {
        "fmt": "o",
        "ms": 1.8,
        "color": EIGHT[1],
        "ecolor": "#cccccc",
        "elinewidth": 0.6,
        "alpha": 0.8,
    }
    axis.errorbar(hidden["mag"], hidden["predicted"], xerr=hidden["err_mag"], **marks)
    axis.set_xlim(high, low)
    axis.set_ylim(high, low)
    axis.set_box_aspect(1)
    axis.yaxis.set_major_locator(MaxNLocator(nbins=3, steps=[1, 2, 5, 10], min_n_ticks=2))
    inside = [tick for tick in MaxNLocator(nbins=6, steps=[1, 2, 5, 10]).tick_values(low, high) if low <= tick <= high]
    axis.set_xticks([inside[0], inside[-1]])  # no more than two fit side by side
    axis.set_ylabel("Predicted", size=SMALL)
    text = f"RMSE {errors['rmse_model']:.3f}\nmean {errors['rmse_window_mean']:.3f}\n"
    text += f"interp. {errors['rmse_interpolation']:.3f}"
    axis.text(1.05, 0.5, text, transform=axis.transAxes, size=SMALL, va="center")


def _range(*series: pd.Series) -> tuple[float, float]:
    """Return the common range of magnitudes with a margin."""
    low, high = min(values.min() for values in series), max(values.max() for values in series)
    margin = 0.06 * max(high - low, 0.02)
    return low - margin, high + margin


def _explanation() -> str:
    return (
        "Predicted where the magnitude was hidden from the model; no hidden magnitude reaches it. RMSE (mag) over the "
        "hidden points: of the model, of the mean of the visible points, and of linear interpolation in time between "
        "them. Bars: errors of the magnitudes. Folded with the Lomb-Scargle period of all the object's observations "
        "(half the orbital period of an eclipsing binary)."
    )
