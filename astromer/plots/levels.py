"""Levels of an encoder: maps of test objects (Figs. 10 and 11 of Donoso-Oliva et al. 2026) and silhouettes."""

from collections.abc import Mapping, Sequence

import matplotlib as mpl
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from astromer.errors import InputError
from astromer.plots.panels import (
    COLUMNS,
    MARKERS,
    check_folds,
    count_range,
    dataset_panels,
    draw_points,
    folds_note,
    marker_handle,
    share_scale,
)
from astromer.plots.style import COLUMN, EIGHT, INK, MM, PAGE, STYLE, add_caption, new_figure, say_empty

MAP_MM = 43.0
PERPLEXITY = 30
MAP_COLUMNS = 4
POOLINGS = {"mean": "mean", "std": "standard deviation", "max": "maximum"}


@mpl.rc_context(STYLE)
def map_figure(maps: pd.DataFrame, classes: Sequence[str], colours: Mapping[str, str], note: str) -> Figure:
    """Draw the t-SNE map of each level, coloured by class.

    Args:
        maps: rows of `astromer.evaluation.levels.level_maps`.
        classes: the dataset's ordered class list.
        colours: colour of each class, see `style.class_colours`.
        note: the caption's first sentences, see `style.source_note`.

    Raises:
        InputError: there is no object, or an object of a class that is not in `classes`.
    """
    counts = maps[maps["level"] == 0]["class"].value_counts()
    if maps.empty or set(counts.index) - set(classes):
        found = ", ".join(counts.index) or "none"
        raise InputError(f"map figure: expected objects of {', '.join(classes)}, found {found}")
    levels = sorted(maps["level"].unique())
    columns = len(levels) if len(levels) <= MAP_COLUMNS else min(MAP_COLUMNS, -(-len(levels) // 2))
    rows = -(-len(levels) // columns)
    figure = new_figure(COLUMN if columns == 1 else PAGE, (rows * (MAP_MM + 6) + 12) * MM)
    axes = figure.subplots(rows, columns, squeeze=False)
    drawn = [name for name in classes if name in counts]
    style = {"hue_order": drawn, "style_order": drawn, "palette": {name: colours[name] for name in drawn}}
    markers = {name: MARKERS[classes.index(name) % len(MARKERS)] for name in drawn}
    for axis, level in zip(axes.flat, levels, strict=False):
        points = maps[maps["level"] == level].sample(frac=1, random_state=0)  # no class covers another
        shown = {"x": "x", "y": "y", "hue": "class", "style": "class", "markers": markers, **style}
        sns.scatterplot(points, **shown, s=9, linewidth=0, alpha=0.8, legend=False, rasterized=True, ax=axis)
        axis.set(title=f"Block {level}" if level else "Input embedding", xlabel="", ylabel="", xticks=[], yticks=[])
        axis.spines[:].set_visible(True)
    for axis in axes.flat[len(levels) :]:
        axis.remove()
    for axis in axes[:, 0]:
        axis.set_ylabel("t-SNE 2")
    for place in range(max(0, len(levels) - columns), len(levels)):
        axes.flat[place].set_xlabel("t-SNE 1")
    handles = [marker_handle(f"{name} ({counts[name]})", colours[name], markers[name], lw=0) for name in drawn]
    figure.legend(handles=handles, loc="outside upper center", ncols=min(len(handles), 3 if columns == 1 else 6))
    absent = [name for name in classes if name not in counts]
    without = f" No test object of: {', '.join(absent)}." if absent else ""
    add_caption(figure, f"{note} {counts.sum():,} test objects, of each class as in the legend.{without} {_how()}")
    return figure


def _how() -> str:
    return (
        "Each object is one point: the level's mean over its real observations (no padding), standardised. t-SNE of "
        f"each level by itself, perplexity {PERPLEXITY:g} or a third of the objects; the axes have no unit, and "
        "distances between groups no meaning."
    )


@mpl.rc_context(STYLE)
def silhouette_figure(silhouettes: pd.DataFrame, fold_counts: Mapping[str, int], note: str) -> Figure:
    """Draw the silhouette of the true classes against the level, with one panel per dataset and one line per pooling.

    Args:
        silhouettes: `dataset` and the columns of `silhouette.csv` of `astromer.stages.levels`.
        fold_counts: number of folds of each dataset.
        note: the caption's first sentences, see `style.source_note`.

    Raises:
        InputError: a fold is missing.
    """
    check_folds(silhouettes, fold_counts, "silhouette figure")
    figure, panels = dataset_panels(list(fold_counts), rows=1, row_mm=48, extra_mm=8)
    style = {name: (EIGHT[place], MARKERS[place]) for place, name in enumerate(POOLINGS)}
    keys = ["dataset", "pooling", "level"]
    averaged = silhouettes.groupby(keys, as_index=False)["silhouette"].agg(["mean", "std"])
    for dataset, (axis,) in zip(fold_counts, panels, strict=True):
        rows = averaged[averaged["dataset"] == dataset].dropna(subset="mean")
        axis.set_title(dataset)
        if rows.empty:
            say_empty(axis, "no test objects of two classes")
            continue
        for place, (pooling, (colour, marker)) in enumerate(style.items()):
            line = rows[rows["pooling"] == pooling].sort_values("level")
            draw_points(axis, line["level"].to_numpy() + 0.06 * (place - 1), line, colour, marker)
        axis.axhline(0, color=INK, lw=0.6, ls=":")
        axis.set_xticks(range(rows["level"].max() + 1))
        axis.set_xlabel("Level (0: input embedding)")
        axis.yaxis.set_major_locator(MaxNLocator(nbins=5, steps=[1, 2, 5, 10]))
    share_scale(axis for (axis,) in panels)
    for (axis,) in panels[::COLUMNS]:
        axis.set_ylabel("Silhouette coefficient")
    handles = [marker_handle(POOLINGS[name], *style[name]) for name in style]
    figure.legend(handles=handles, title="Pooling over time", loc="outside upper center", ncols=len(handles))
    sizes = silhouettes.groupby("dataset")["objects"].agg(["min", "max"])
    counted = ", ".join(f"{name} {count_range(*sizes.loc[name])}" for name in fold_counts if name in sizes.index)
    add_caption(figure, f"{note} {folds_note(fold_counts)} Test objects per fold: {counted}. {_silhouette()}")
    return figure


def _silhouette() -> str:
    return (
        "Finetuned encoder of the largest number of samples per class. Silhouette: true classes, cosine distance of "
        "standardised vectors; 0 where classes mix (dotted), 1 where they are compact and apart. Pooling over real "
        "observations only."
    )
