"""Panels and checks that figures of several datasets, folds and samples per class share."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from astromer.errors import InputError
from astromer.plots.style import COLUMN, MM, PAGE, new_figure

COLUMNS = 3  # panels side by side, at most
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")


def check_folds(table: pd.DataFrame, fold_counts: Mapping[str, int], what: str) -> None:
    """Check that every dataset, and every SPC of it, has each of its folds: a missing one is never averaged away.

    Args:
        table: the columns `dataset` and `fold`, and perhaps `spc`.
        fold_counts: number of folds of each dataset.
        what: what is drawn, for the message.

    Raises:
        InputError: a fold is missing; the message names it.
    """
    keys = [name for name in ("dataset", "spc") if name in table.columns]
    for names, rows in table.groupby(keys):
        expected = set(range(fold_counts[names[0]]))
        if missing := sorted(expected - set(rows["fold"])):
            where = ", ".join(f"{key} {name}" for key, name in zip(keys, names, strict=True))
            raise InputError(f"{what}: {where}: expected the folds {sorted(expected)}, found none of fold {missing}")


def folds_note(fold_counts: Mapping[str, int]) -> str:
    """Return the sentence that says what error bars are."""
    numbers = sorted(set(fold_counts.values()))
    if numbers == [1]:
        return "One fold, no error bars."
    over = " or ".join(map(str, numbers))
    return f"Mean and sample standard deviation over {over} folds."


def count_range(low: float, high: float) -> str:
    """Return the smallest and the largest of some counts as text, or the one number if they are the same."""
    return f"{low:,.0f}" if low == high else f"{low:,.0f} to {high:,.0f}"


def share_scale(panels: Iterable[Axes]) -> None:
    """Give panels with data one scale of y, which includes all of them, so that they can be compared."""
    drawn = [axis for axis in panels if axis.has_data()]
    limits = [axis.get_ylim() for axis in drawn]
    for axis in drawn:
        axis.set_ylim(min(low for low, _ in limits), max(high for _, high in limits))


def dataset_panels(names: Sequence[str], rows: int, row_mm: float, extra_mm: float) -> tuple[Figure, list[list[Axes]]]:
    """Create a figure with a column of `rows` panels for each dataset, at most three datasets side by side.

    Returns:
        The figure, and the panels of each dataset from top to bottom.
    """
    columns = min(COLUMNS, len(names))
    bands = -(-len(names) // columns)
    figure = new_figure(COLUMN if columns == 1 else PAGE, (bands * rows * row_mm + extra_mm) * MM)
    axes = figure.subplots(bands * rows, columns, squeeze=False)
    panels = [
        [axes[place // columns * rows + row, place % columns] for row in range(rows)] for place in range(len(names))
    ]
    for axis in axes[(bands - 1) * rows :, len(names) - (bands - 1) * columns :].flat:
        axis.remove()
    return figure, panels


def size_palette(sizes: Sequence[int]) -> dict[int, tuple[float, float, float]]:
    """Return a colour for each number of samples per class, darker for more."""
    return dict(zip(sizes, sns.color_palette("crest", len(sizes)), strict=True))


def draw_points(axis: Axes, x: np.ndarray, rows: pd.DataFrame, colour: Any, marker: str, **style: Any) -> None:
    """Draw means with whiskers of one standard deviation; no whisker for a single fold.

    Args:
        x: places.
        rows: `mean` and `std` (NaN for one fold) at each place.
        colour, marker: of the points.
        **style: further arguments of `Axes.errorbar`.
    """
    deviation = None if rows["std"].isna().all() else rows["std"].to_numpy()
    given: dict[str, Any] = {"lw": 0.8, "ms": 3.5, "capsize": 1.8, "elinewidth": 0.8, **style}
    axis.errorbar(x, rows["mean"].to_numpy(), yerr=deviation, color=colour, marker=marker, **given)


def marker_handle(label: str, colour: Any, marker: str, **style: Any) -> Line2D:
    """Return a legend entry of `draw_points`."""
    given: dict[str, Any] = {"ms": 3.5, "lw": 0.8, **style}
    return Line2D([], [], color=colour, marker=marker, label=label, **given)
