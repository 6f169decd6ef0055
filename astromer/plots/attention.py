"""Folded light curves coloured by attention (Figs. 7 and 8 of Donoso-Oliva et al. 2026)."""

from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, LogNorm
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullLocator

from astromer.errors import InputError
from astromer.evaluation.points import relative_attention
from astromer.plots.style import INK, MM, PAGE, SMALL, STYLE, add_caption, adjust_layout, new_figure

COLUMNS = 6  # maximum
HIGHEST_PANEL_MM = 17.0
PAGE_MM = 215.0
TITLE_MM = 8.0
DRAWN = (0.02, 0.98)  # quantiles of the weights that limit the colour scale
# From a yellow that is visible on white to a dark violet; the brightest tenth of the map is left out.
WEAK_TO_STRONG = LinearSegmentedColormap.from_list(
    "weak_to_strong", mpl.colormaps["plasma_r"](np.linspace(0.1, 1.0, 256))
)


@mpl.rc_context(STYLE)
def attention_figure(
    points: pd.DataFrame, classes: Sequence[str], note: str, *, clip: tuple[float, float] = (5.0, 95.0)
) -> Figure:
    """Draw folded light curves, coloured by the attention that each point receives: rows are heads, columns classes.

    The colour of a point is its weight relative to uniform attention, on the same scale in all panels. Phase 0 is the
    maximum of light of the best-fitting sine; every point is drawn twice, at its phase and one cycle later.

    Args:
        points: rows of `evaluation.attention.attention_points` for one object per class.
        classes: in the order of the columns.
        note: the caption's first sentences, see `style.source_note`.
        clip: percentiles of an object's magnitudes; points outside are not drawn.

    Raises:
        InputError: a class has not exactly one object.
    """
    for name in classes:
        found = points.loc[points["class"] == name, "id"].nunique()
        if found != 1:
            raise InputError(f"attention figure: class {name!r}: expected one object, found {found}")
    drawn = _inside(relative_attention(points), clip)
    heads = [*drawn.filter(like="head_").columns, "mean"]
    limit = _limit(drawn, heads)
    norm = LogNorm(1 / limit, limit)
    columns = -(-len(classes) // -(-len(classes) // COLUMNS))
    bands = [classes[first : first + columns] for first in range(0, len(classes), columns)]
    rows = len(bands) * len(heads)
    panel = min(HIGHEST_PANEL_MM, (PAGE_MM - TITLE_MM * len(bands)) / rows)
    width = min(PAGE / MM, 20 + 40 * columns)
    figure = new_figure(width * MM, (rows * panel + TITLE_MM * len(bands) + 20) * MM)
    adjust_layout(figure, h_pad=0.4 * MM, hspace=0.0)
    axes = figure.subplots(rows, columns, sharex=True, squeeze=False)
    for band, names in enumerate(bands):
        block = axes[band * len(heads) :][: len(heads)]
        for column, name in enumerate(names):
            _draw_object(block[:, column], drawn[drawn["class"] == name], heads, norm)
        _name_rows(list(block[:, 0]), list(block[:, len(names) - 1]), heads)
        for axis in block[:, len(names) :].flat:
            axis.remove()
    mappable = mpl.cm.ScalarMappable(norm, WEAK_TO_STRONG)
    _add_bar(figure, mappable, axes, limit)
    ids = points.groupby("class")["id"].first()
    add_caption(figure, f"{note} {_explanation(clip)} Objects: {', '.join(f'{n} {ids[n]}' for n in classes)}.")
    return figure


def _inside(points: pd.DataFrame, clip: tuple[float, float]) -> pd.DataFrame:
    of_objects = points.groupby("id")["mag"]
    low, high = (of_objects.transform("quantile", percentile / 100) for percentile in clip)
    return points[points["mag"].between(low, high)]


def _limit(points: pd.DataFrame, heads: list[str]) -> float:
    """Return the factor f, rounded to two digits, for which nearly all weights are between 1 / f and f."""
    low, high = np.quantile(np.log10(np.maximum(points[heads].to_numpy(), 1e-6)), DRAWN)
    return float(f"{10 ** max(-low, high, 0.05):.2g}")


def _draw_object(axes: np.ndarray, points: pd.DataFrame, heads: list[str], norm: LogNorm) -> None:
    """Draw one object in a column of panels."""
    magnitudes = points["mag"].to_numpy()
    low, high = float(magnitudes.min()), float(magnitudes.max())
    margin = 0.08 * max(high - low, 0.01)
    for axis, head in zip(axes, heads, strict=True):
        ordered = points.sort_values(head)  # strong weights are drawn on top
        phases = ordered["phase"].to_numpy()
        magnitudes, weights = (np.tile(ordered[name].to_numpy(), 2) for name in ("mag", head))
        axis.scatter(
            np.concatenate([phases, phases + 1]),
            magnitudes,
            c=weights,
            norm=norm,
            cmap=WEAK_TO_STRONG,
            s=3,
            lw=0,
            rasterized=True,
        )
        axis.set_xlim(0, 2)
        axis.set_ylim(high + margin, low - margin)
        axis.set_xticks([0, 1, 2])
        axis.set_xticks([0.5, 1.5], minor=True)
        axis.yaxis.set_major_locator(MaxNLocator(nbins=3, steps=[1, 2, 5, 10], min_n_ticks=2))
        axis.tick_params(axis="y", labelsize=SMALL, length=2, pad=1.5)
        axis.tick_params(axis="x", labelbottom=head == heads[-1])
    axes[0].set_title(f"{points['class'].iloc[0]}\n$P$ = {points['period_days'].iloc[0]:.4g} d", size=SMALL)
    axes[-1].set_xlabel("Phase", size=SMALL)


def _name_rows(left: Sequence[Axes], right: Sequence[Axes], heads: list[str]) -> None:
    for first, last, head in zip(left, right, heads, strict=True):
        first.set_ylabel("mag", size=SMALL)
        label = "Mean" if head == "mean" else head.replace("head_", "Head ")
        last.text(1.03, 0.5, label, transform=last.transAxes, rotation=270, va="center", size=SMALL)


def _add_bar(figure: Figure, mappable: mpl.cm.ScalarMappable, axes: np.ndarray, limit: float) -> None:
    panels = [axis for axis in axes.flat if axis.figure is not None]
    bar = figure.colorbar(mappable, ax=panels, location="bottom", shrink=0.6, aspect=45, pad=0.02, extend="both")
    ticks = sorted({1 / limit, 1.0, limit})
    bar.set_ticks(ticks, labels=[f"{tick:.2g}" for tick in ticks])
    bar.ax.xaxis.set_minor_locator(NullLocator())
    bar.set_label("Attention received, relative to uniform attention (1)", size=SMALL)
    bar.outline.set_edgecolor(INK)
    bar.outline.set_linewidth(0.5)


def _explanation(clip: tuple[float, float]) -> str:
    return (
        "Last block of the finetuned encoder, weights averaged over queries, one colour scale for all panels. Periods: "
        "Lomb-Scargle (eclipsing binaries fold at half their orbital period); phase 0 is the maximum of the fitted "
        f"sine. Not drawn: magnitudes beyond the percentiles {clip[0]:g} and {clip[1]:g} of the window."
    )
