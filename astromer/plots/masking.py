"""Figures of a masked window, and of records beside the table that they were written from."""

from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from astromer.errors import InputError
from astromer.plots.style import EIGHT, INK, MM, PAGE, STYLE, add_caption, new_figure

CLOSE_UP = 40
BLUE, RED, GREEN = EIGHT[0], EIGHT[1], EIGHT[2]
STATES: dict[str, tuple[str, dict[str, Any]]] = {
    "unprobed": ("not in the loss", {"marker": "o", "ms": 2.6, "mfc": "#bbbbbb", "mec": "none"}),
    "shown": ("shown", {"marker": "o", "ms": 3.2, "mfc": GREEN, "mec": "none"}),
    "replaced": ("replaced", {"marker": "s", "ms": 3.0, "mfc": "none", "mec": BLUE}),
    "hidden": ("hidden", {"marker": "x", "ms": 3.6, "mec": RED}),
}


@mpl.rc_context(STYLE)
def masking_figure(points: pd.DataFrame, note: str) -> Figure:
    """Draw how one window is masked: the whole window over time, and a close-up of the network's input.

    Args:
        points: rows of `evaluation.reconstruction.masked_window`.
        note: the caption's first sentences, see `style.source_note`.

    Raises:
        InputError: the points are of several windows, or none.
    """
    if len(points[["id", "start"]].drop_duplicates()) != 1:
        raise InputError("masking figure: expected the points of one window")
    figure = new_figure(PAGE, 112 * MM)
    whole, close_up = figure.subplots(2, 1, height_ratios=[1, 1])
    _draw_states(whole, points)
    _draw_input(close_up, points.head(CLOSE_UP))
    row = points.iloc[0]
    last = row["start"] + len(points)
    window = f"Object {row['id']}, observations {row['start'] + 1} to {last}."
    add_caption(figure, f"{note} {window} {_explanation()}")
    return figure


def _draw_states(axis: Axes, points: pd.DataFrame) -> None:
    """Draw the true magnitudes of a window over time, with markers for their state after masking."""
    replaced = points[points["state"] == "replaced"]
    axis.vlines(replaced["mjd"], replaced["target"], replaced["magnitudes"], color=BLUE, lw=0.5, alpha=0.6)
    axis.plot(replaced["mjd"], replaced["magnitudes"], "s", ms=1.6, color=BLUE, alpha=0.8)
    for state, (label, marker) in STATES.items():
        members = points[points["state"] == state]
        share = f"{label}: {len(members)} ({len(members) / len(points):.0%})"
        axis.plot(members["mjd"], members["target"], ls="", label=share, **marker)
    axis.set_xlabel("MJD")
    axis.ticklabel_format(axis="x", useOffset=False)
    _finish(axis, columns=4)


def _draw_input(axis: Axes, points: pd.DataFrame) -> None:
    """Draw the series of a few observations: target, visible, network input, hidden."""
    places = np.arange(1, len(points) + 1)
    target, given = points["target"].to_numpy(), points["magnitudes"].to_numpy()
    valid, hidden, probed = (points[name].to_numpy() > 0 for name in ("valid", "hidden", "probed"))
    for place in places[probed]:
        axis.axvspan(place - 0.5, place + 0.5, color="#f2e6d8", lw=0, label="in the loss", zorder=0)
    axis.plot(places, target, color=INK, lw=0.8, label="target", zorder=2)
    axis.plot(places[valid], given[valid], "o", ms=6, color=GREEN, alpha=0.4, mec="none", label="visible", zorder=3)
    axis.plot(places, given, "s", ms=2.8, color=BLUE, label="network input", zorder=4)
    axis.plot(places[hidden], target[hidden], "x", ms=5, color=RED, label="hidden", zorder=4)
    axis.plot(places[hidden], given[hidden], "s", ms=2.8, mfc="white", mec=BLUE, label="mask token", zorder=5)
    axis.set_xlim(0.2, len(points) + 0.8)
    axis.set_xlabel(f"Number of the observation in the window (the first {len(points)})")
    _finish(axis, columns=6)


def _finish(axis: Axes, columns: int) -> None:
    axis.invert_yaxis()
    axis.set_ylabel("Magnitude $-$ mean (mag)")
    handles = dict(zip(*axis.get_legend_handles_labels()[::-1], strict=True))
    legend: dict[str, Any] = {
        "loc": "lower center",
        "bbox_to_anchor": (0.5, 1.0),
        "handletextpad": 0.4,
        "columnspacing": 1.2,
    }
    axis.legend(handles.values(), handles.keys(), ncols=columns, **legend)


def _explanation() -> str:
    return (
        "Top: true magnitudes of the points that are not in the loss, and of those in it by what the network is given: "
        "the magnitude as it is (shown), another one of the window (replaced; a line leads to it) or none (hidden). "
        "Bottom: the first of them; the input at hidden points is one trained number, the mask token, drawn at 0 (in "
        "Astromer 1 it is 0)."
    )


@mpl.rc_context(STYLE)
def records_figure(observations: pd.DataFrame, record: pd.DataFrame, note: str) -> Figure:
    """Draw one object's observations from Parquet and, below, as read back from its record.

    Args:
        observations: `id`, `mjd`, `mag`, `err_mag` of one object.
        record: the same columns.
        note: the caption's first sentences, see `style.source_note`.

    Raises:
        InputError: a table is empty.
    """
    figure = new_figure(PAGE, 90 * MM)
    axes = figure.subplots(2, 1, sharex=True, sharey=True)
    for axis, table, name in zip(axes, (observations, record), ("Parquet", "TFRecord"), strict=True):
        if table.empty:
            raise InputError(f"records figure: {name}: expected at least one observation")
        mjd, mag, err_mag = (table[column].to_numpy() for column in ("mjd", "mag", "err_mag"))
        axis.errorbar(mjd, mag, yerr=err_mag, fmt="o", ms=2, lw=0, elinewidth=0.5, color=BLUE, ecolor="#999999")
        axis.set_title(f"{name}: {len(table):,} observations", loc="left")
        axis.set_ylabel("Magnitude")
    axes[0].invert_yaxis()
    axes[-1].set_xlabel("MJD")
    axes[-1].ticklabel_format(axis="x", useOffset=False)
    add_caption(figure, f"{note} Object {observations['id'].iloc[0]}. Bars: errors of the magnitudes.")
    return figure
