"""Weights of an encoder's levels in the head `skip` (Fig. 9 of Donoso-Oliva et al. 2026)."""

from collections.abc import Mapping

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from astromer.evaluation.published import COUNTERPARTS, NAMES
from astromer.plots.panels import (
    COLUMNS,
    MARKERS,
    check_folds,
    dataset_panels,
    draw_points,
    folds_note,
    marker_handle,
    share_scale,
    size_palette,
)
from astromer.plots.style import INK, STYLE, add_caption, say_empty

WIDTH = 0.36  # of the points of all SPC at one level


@mpl.rc_context(STYLE)
def gamma_figure(
    measured: pd.DataFrame,
    published: pd.DataFrame,
    roles: Mapping[str, str],
    fold_counts: Mapping[str, int],
    note: str,
) -> Figure:
    """Draw the effective weight of every level, relative to equal weights: measured above, published below.

    Args:
        measured: `dataset`, `fold`, `spc`, `level`, `weight` (softmax of gamma).
        published: rows of `astromer.evaluation.published.published("gammas")`.
        roles: role of each dataset; it decides which dataset of the paper is drawn below it.
        fold_counts: number of folds of each dataset.
        note: the caption's first sentences, see `style.source_note`.

    Raises:
        InputError: a fold is missing.
    """
    check_folds(measured, fold_counts, "gamma figure")
    sizes = sorted({*measured["spc"], *published["spc"]})
    palette = size_palette(sizes)
    style = {size: (palette[size], MARKERS[place % len(MARKERS)]) for place, size in enumerate(sizes)}
    figure, panels = dataset_panels(list(roles), rows=2, row_mm=40, extra_mm=12)
    averaged = measured.groupby(["dataset", "spc", "level"], as_index=False)["weight"].agg(["mean", "std"])
    of_paper = published.rename(columns={"weight": "mean"}).assign(std=np.nan)
    for (dataset, role), (above, below) in zip(roles.items(), panels, strict=True):
        ours = averaged[averaged["dataset"] == dataset]
        theirs = of_paper[of_paper["dataset"] == COUNTERPARTS[role]]
        _draw_weights(above, ours, style, f"{dataset}: measured")
        _draw_weights(below, theirs, style, f"{NAMES[COUNTERPARTS[role]]}: published")
        below.set_xlabel("Level (0: input embedding)")
    share_scale(axis for column in panels for axis in column)
    for axis in (axis for first in panels[::COLUMNS] for axis in first):
        axis.set_ylabel("Weight / equal weight")
    handles = [marker_handle(f"{size}", *style[size]) for size in sizes]
    figure.legend(handles=handles, title="Samples per class", loc="outside upper center", ncols=len(handles))
    add_caption(figure, f"{note} {folds_note(fold_counts)} {_explanation(measured, published)}")
    return figure


def _draw_weights(axis: Axes, rows: pd.DataFrame, style: Mapping[int, tuple[object, str]], title: str) -> None:
    axis.set_title(title)
    if rows.empty:
        say_empty(axis, "no head of the kind skip in this run")
        return
    drawn = sorted(rows["spc"].unique())
    shifts = np.linspace(-WIDTH / 2, WIDTH / 2, len(drawn)) if len(drawn) > 1 else [0.0]
    levels = rows["level"].max() + 1
    for shift, size in zip(shifts, drawn, strict=True):
        of_size = rows[rows["spc"] == size].sort_values("level")
        relative = of_size.assign(mean=of_size["mean"] * levels, std=of_size["std"] * levels)
        draw_points(axis, of_size["level"].to_numpy() + shift, relative, *style[size])
    axis.axhline(1, color=INK, lw=0.6, ls=":")
    axis.set_xticks(range(levels))
    axis.set_xlim(-0.5, levels - 0.5)
    axis.yaxis.set_major_locator(MaxNLocator(nbins=5, steps=[1, 2, 5, 10]))
    axis.ticklabel_format(axis="y", useOffset=False)


def _explanation(measured: pd.DataFrame, published: pd.DataFrame) -> str:
    ours, theirs = (int(table["level"].max()) + 1 if len(table) else 0 for table in (measured, published))
    depth = f" Levels: {ours} here, {theirs} in the paper." if ours and ours != theirs else ""
    return (
        "Effective weights: the softmax of gamma, as the head applies it, times the number of levels; dotted: all "
        f"levels equal.{depth} Published: softmax of the published gamma (means over folds; the published figure shows "
        "gamma itself)."
    )
