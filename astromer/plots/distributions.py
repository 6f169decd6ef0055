"""Magnitudes (Fig. 2 of Donoso-Oliva et al. 2026) and time steps (Fig. 3) of the surveys."""

from collections.abc import Mapping

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, LogLocator, MaxNLocator, NullFormatter, NullLocator

from astromer.errors import InputError
from astromer.evaluation.distributions import QUANTILES, Histogram
from astromer.plots.style import COLUMN, INK, MM, PAGE, SMALL, STYLE, add_caption, colours, new_figure

DRAWN = (0.001, 0.999)
PANEL_GAP_MAG = 3.0
NICE_WIDTHS_MAG = (0.01, 0.02, 0.05, 0.1, 0.2, 0.25, 0.5, 1.0)
LINES = ("-", (0, (5, 1)), (0, (3, 0.8, 1, 0.8)), (0, (1, 0.6)))
LEGEND_ROW_MM = 3.8
DAYS = {
    "1 s": 1 / 86400,
    "1 min": 1 / 1440,
    "1 h": 1 / 24,
    "1 d": 1.0,
    "30 d": 30.0,
    "1 yr": 365.25,
    "10 yr": 3652.5,
}


@mpl.rc_context(STYLE)
def magnitude_figure(histograms: Mapping[str, Histogram], note: str) -> Figure:
    """Draw the density of the magnitudes of each survey, all in the same bins.

    Surveys whose ranges of magnitudes are more than 3 mag apart (instrumental and calibrated magnitudes, for example)
    get separate panels with a common density axis; other surveys share a panel.

    Args:
        histograms: magnitudes of each survey, in the order of the legend.
        note: the caption's first sentences, see `style.source_note`.

    Raises:
        InputError: there is no survey, or one without observations.
    """
    if not histograms:
        raise InputError("magnitude figure: expected at least one survey")
    panels = _panels(histograms)
    spans = [high - low for low, high, _ in panels]
    factor = _bin_factor(histograms, max(spans))
    bin_width = factor * next(iter(histograms.values())).width
    labels = {name: f"{name} ({histogram.num_values:,} obs.)" for name, histogram in histograms.items()}
    width = COLUMN if len(panels) == 1 else PAGE
    columns = _legend_columns(list(labels.values()), width)
    figure = new_figure(width, (50 + LEGEND_ROW_MM * -(-len(labels) // columns)) * MM)
    ratios = [max(span, 0.3 * max(spans)) for span in spans]
    axes = figure.subplots(1, len(panels), sharey=True, squeeze=False, width_ratios=ratios)[0]
    style = {name: (colour, LINES[i % 4]) for i, (name, colour) in enumerate(colours(list(histograms)).items())}
    for axis, (low, high, names) in zip(axes, panels, strict=True):
        for name in names:
            counts, edges = histograms[name].rebin(factor)
            colour, line = style[name]
            density = counts / counts.sum() / bin_width
            axis.stairs(density, edges, fill=True, color=colour, alpha=0.12, lw=0)
            axis.stairs(density, edges, color=colour, ls=line, lw=1.2, label=labels[name])
        margin = 0.03 * (high - low) + bin_width
        axis.set_xlim(low - margin, high + margin)
        axis.xaxis.set_major_locator(MaxNLocator(nbins=6, steps=[1, 2, 5, 10]))
        axis.set_xlabel("Magnitude")
    axes[0].set_ylim(0, None)
    axes[0].set_ylabel("Density (mag$^{-1}$)")
    handles = {handle.get_label(): handle for axis in axes for handle in axis.get_legend_handles_labels()[0]}
    figure.legend(
        [handles[label] for label in labels.values()], labels.values(), loc="outside upper center", ncols=columns
    )
    drawn = f"The axes hold {DRAWN[1] - DRAWN[0]:.1%} of each survey's observations or more."
    apart = "Panels: surveys on magnitude scales far apart. " if len(panels) > 1 else ""
    add_caption(figure, f"{note} All observations, bins of {bin_width:g} mag. {apart}{drawn}")
    return figure


@mpl.rc_context(STYLE)
def time_step_figure(histograms: Mapping[str, Histogram], note: str) -> Figure:
    """Draw one box per survey of the time steps between consecutive observations of an object.

    Args:
        histograms: logarithmic histograms of the positive time steps in days, in drawing order from the top.
        note: the caption's first sentences, see `style.source_note`.

    Raises:
        InputError: there is no survey, or one without time steps.
    """
    if not histograms:
        raise InputError("time step figure: expected at least one survey")
    figure = new_figure(COLUMN, (26 + 9 * len(histograms)) * MM)
    axis = figure.subplots()
    names = list(histograms)
    quantiles = {name: {k: histograms[name].quantile(q) for k, q in QUANTILES.items()} for name in names}
    boxes = [_box(name, quantiles[name]) for name in names]
    drawn = axis.bxp(boxes, orientation="horizontal", showfliers=False, patch_artist=True, widths=0.5)
    for box, colour in zip(drawn["boxes"], colours(names).values(), strict=True):
        box.set(facecolor=mpl.colors.to_rgba(colour, 0.35), edgecolor=colour, linewidth=0.9)
    for part in ("whiskers", "caps", "medians"):
        mpl.artist.setp(drawn[part], color=INK, linewidth=1.6 if part == "medians" else 0.8)
    for row, name in enumerate(names, start=1):
        median = quantiles[name]["median"]
        box = {"facecolor": "white", "edgecolor": "none", "pad": 0.5}
        axis.text(median, row - 0.29, _duration(median), size=SMALL, ha="center", bbox=box, zorder=0.5)
    axis.set_xscale("log")
    low = min(q["p05"] for q in quantiles.values())
    high = max(q["p95"] for q in quantiles.values())
    axis.set_xlim(*_two_decades(low, high))
    axis.xaxis.set_major_locator(LogLocator(numticks=9))
    axis.xaxis.set_minor_formatter(NullFormatter())
    axis.set_ylim(len(names) + 0.55, 0.3)
    axis.set_xlabel(r"Time step $\Delta t$ (days)")
    axis.tick_params(axis="y", length=0)
    _name_durations(axis)
    legend = "Box: quartiles; line and number: median; whiskers: 5th and 95th percentile."
    zeros = sum(histogram.zeros for histogram in histograms.values())
    without = f" Without {zeros:,} steps of zero." if zeros else ""
    add_caption(figure, f"{note} Steps between consecutive observations of an object. {legend}{without}")
    return figure


def _panels(histograms: Mapping[str, Histogram]) -> list[tuple[float, float, list[str]]]:
    """Group the surveys by range of magnitude: `(low, high, names)` from bright to faint."""
    ranges = sorted((h.quantile(DRAWN[0]), h.quantile(DRAWN[1]), name) for name, h in histograms.items())
    panels: list[tuple[float, float, list[str]]] = []
    for low, high, name in ranges:
        if panels and low - panels[-1][1] <= PANEL_GAP_MAG:
            start, end, names = panels.pop()
            panels.append((start, max(end, high), [*names, name]))
        else:
            panels.append((low, high, [name]))
    return panels


def _bin_factor(histograms: Mapping[str, Histogram], span: float) -> int:
    """Choose how many fine bins make one drawn bin: at most 100 drawn bins per panel, fewer for a small survey."""
    rules = [2 * (h.quantile(0.75) - h.quantile(0.25)) / np.cbrt(h.num_values) for h in histograms.values()]
    wanted = max(span / 100, *rules)
    nice = next((width for width in NICE_WIDTHS_MAG if width >= wanted), NICE_WIDTHS_MAG[-1])
    return max(1, round(nice / next(iter(histograms.values())).width))


def _legend_columns(labels: list[str], width: float) -> int:
    """Choose how many columns of legend labels fit into `width` inches."""
    letters = width * 72 / (0.6 * SMALL)
    return max(1, min(len(labels), int(letters // (max(map(len, labels)) + 7))))


def _box(name: str, quantiles: Mapping[str, float]) -> dict[str, object]:
    keys = {"whislo": "p05", "q1": "p25", "med": "median", "q3": "p75", "whishi": "p95"}
    return {"label": name, "fliers": [], **{key: quantiles[quantile] for key, quantile in keys.items()}}


def _duration(days: float) -> str:
    """Format a time step in a suitable unit."""
    for unit, size in (("yr", 365.25), ("d", 1.0), ("h", 1 / 24), ("min", 1 / 1440)):
        if days >= size:
            return f"{days / size:.2g} {unit}"
    return f"{days * 86400:.2g} s"


def _two_decades(low: float, high: float) -> tuple[float, float]:
    """Widen a range on a logarithmic axis slightly, and such that it contains two powers of ten."""
    start, end = np.log10(low) - 0.15, np.log10(high) + 0.15
    missing = max(0.0, 2.1 - (end - start)) / 2
    return 10 ** (start - missing), 10 ** (end + missing)


def _name_durations(axis: Axes) -> None:
    """Mark a minute, an hour, a day etc. on the top axis and by thin lines."""
    low, high = axis.get_xlim()
    inside = {name: days for name, days in DAYS.items() if low < days < high}
    top = axis.secondary_xaxis("top")
    top.xaxis.set_major_locator(FixedLocator(list(inside.values())))
    top.xaxis.set_minor_locator(NullLocator())
    top.set_xticks(list(inside.values()), list(inside))
    top.tick_params(length=2)
    for days in inside.values():
        axis.axvline(days, color="#cccccc", lw=0.5, zorder=0)
