"""Confusion matrices with their spread over folds (Figs. 13 and 14 of Donoso-Oliva et al. 2026)."""

from collections.abc import Mapping, Sequence
from typing import cast

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.typing import ColorType

from astromer.errors import InputError
from astromer.plots.style import COLUMN, FONT_SIZE, MM, PAGE, SMALL, STYLE, add_caption, contrast, new_figure

SMALLEST_CELL_MM = 6.5
ROOMY_CELL_MM = 8.5
LARGEST_CELL_MM = 14.0
SMALLEST_PANEL_MM = 42.0
LABELS_MM = 24.0
ONE_COLUMN_MM = 100.0  # what is a little wider than a column is drawn as wide as one
POINTS_PER_MM = 72 / 25.4
EMPTY = "#dddddd"


@mpl.rc_context(STYLE)
def confusion_figure(matrices: Mapping[int, np.ndarray], classes: Sequence[str], note: str) -> Figure:
    """Draw the mean confusion matrix over folds, with one panel per number of samples per class.

    Cells contain the percentage of the true class's objects and, below it, the sample standard deviation over folds;
    cells that round to 0 % are empty. A row is grey if some fold has no object of the class.

    Args:
        matrices: row-normalised matrices `(folds, classes, classes)` by number of samples per class.
        classes: the dataset's ordered class list.
        note: the caption's first sentences, see `style.source_note`.

    Raises:
        InputError: there is no matrix, or one whose shape does not fit `classes`.
    """
    for size, folds in matrices.items():
        if folds.ndim != 3 or not len(folds) or folds.shape[1:] != (len(classes), len(classes)):
            raise InputError(
                f"confusion matrices of {size} samples per class: expected the shape (folds, {len(classes)}, "
                f"{len(classes)}), found {folds.shape}"
            )
    if not matrices:
        raise InputError("confusion figure: expected at least one matrix")
    columns, cell = _grid(len(matrices), len(classes))
    rows = -(-len(matrices) // columns)
    width = columns * cell * len(classes) + LABELS_MM
    height = rows * (cell * len(classes) + 20) + 14
    figure = new_figure(COLUMN if width <= ONE_COLUMN_MM else PAGE, height * MM, layout="compressed")
    axes = figure.subplots(rows, columns, squeeze=False)
    colour_map = mpl.colormaps["Purples"].with_extremes(bad=EMPTY)
    panels = list(axes.flat)
    for position, (axis, size) in enumerate(zip(panels, sorted(matrices), strict=False)):
        image = _draw_panel(axis, matrices[size], colour_map, cell)
        axis.set_title(f"{size} samples per class")
        bottom = position + columns >= len(matrices)
        _name_axes(axis, classes, cell, left=position % columns == 0, bottom=bottom)
    for axis in panels[len(matrices) :]:
        axis.remove()
    bar = figure.colorbar(image, ax=panels[: len(matrices)], location="bottom", shrink=0.6, aspect=40)
    bar.set_label("Objects of the true class (%)")
    bar.outline.set_visible(False)
    numbers = sorted({len(folds) for folds in matrices.values()})
    over = " or ".join(map(str, numbers))
    what = "One fold." if numbers == [1] else f"Mean and, under it, sample standard deviation over {over} folds."
    absent = any(np.isnan(folds).any() for folds in matrices.values())
    grey = " Rows in grey: a fold has no object of the class." if absent else ""
    chance = _below_chance(matrices, len(classes))
    add_caption(figure, f"{note} {what} Cells below 0.5% are left empty.{grey}{chance}")
    return figure


def _below_chance(matrices: Mapping[int, np.ndarray], num_classes: int) -> str:
    """Return a sentence that names the panels whose mean recall is not above that of guessing, if there are any."""
    recalls = {size: float(np.nanmean(np.diagonal(folds, axis1=1, axis2=2))) for size, folds in matrices.items()}
    low = [f"{recall:.0%} with {size}" for size, recall in sorted(recalls.items()) if recall <= 1 / num_classes]
    if not low:
        return ""
    return f" Not above chance ({1 / num_classes:.0%}): mean of the diagonal {' and '.join(low)} samples per class."


def _grid(panels: int, classes: int) -> tuple[int, float]:
    """Choose the number of columns and the size of a cell in mm, so that two lines of text fit into a cell."""
    for columns in range(panels, 0, -1):
        cell = (180 - LABELS_MM) / columns / classes
        if cell >= max(SMALLEST_CELL_MM, SMALLEST_PANEL_MM / classes) or columns == 1:
            return columns, min(cell, max(LARGEST_CELL_MM, SMALLEST_PANEL_MM / classes))
    raise AssertionError("unreachable: one column always fits")


def _draw_panel(axis: Axes, folds: np.ndarray, colour_map: mpl.colors.Colormap, cell: float) -> mpl.image.AxesImage:
    mean = 100 * folds.mean(axis=0)
    spread = 100 * folds.std(axis=0, ddof=1) if len(folds) > 1 else None
    image = axis.imshow(mean, cmap=colour_map, vmin=0, vmax=100)
    size = FONT_SIZE if cell >= ROOMY_CELL_MM else SMALL
    lift = 0.0 if spread is None else 0.55 * size / (cell * POINTS_PER_MM)
    for row, column in zip(*np.nonzero(mean >= 0.5), strict=True):
        colour = contrast(cast(ColorType, image.cmap(image.norm(mean[row, column]))))
        axis.text(column, row - lift, f"{mean[row, column]:.0f}", ha="center", va="center", size=size, color=colour)
        if spread is not None:
            text = f"±{spread[row, column]:.0f}"
            axis.text(column, row + 1.15 * lift, text, ha="center", va="center", size=SMALL, color=colour)
    return image


def _name_axes(axis: Axes, classes: Sequence[str], cell: float, *, left: bool, bottom: bool) -> None:
    """Write the class names under each panel and on the left of each row of panels."""
    places = range(len(classes))
    fits = max(map(len, classes)) * 0.62 * STYLE["xtick.labelsize"] <= 0.95 * cell * POINTS_PER_MM
    axis.set_xticks(places, classes, rotation=0 if fits else 90)
    axis.set_yticks(places, classes if left else [""] * len(classes))
    axis.tick_params(length=0)
    axis.set_xticks(np.arange(len(classes) + 1) - 0.5, minor=True)
    axis.set_yticks(np.arange(len(classes) + 1) - 0.5, minor=True)
    axis.grid(which="minor", color="white", lw=0.8)
    axis.tick_params(which="minor", length=0)
    axis.spines[:].set_visible(False)
    if bottom:
        axis.set_xlabel("Predicted class")
    if left:
        axis.set_ylabel("True class")
