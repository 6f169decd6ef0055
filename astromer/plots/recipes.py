"""Encoders that differ in single additions: what each of these does to reconstruction and to classification."""

from collections.abc import Mapping, Sequence

import matplotlib as mpl
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from astromer.errors import InputError
from astromer.plots.style import EIGHT, INK, MM, PAGE, SMALL, STYLE, add_caption, new_figure

ROW_MM = 5.5
CLASSIFIERS = {"logistic": ("o", EIGHT[0]), "forest": ("^", EIGHT[1])}


@mpl.rc_context(STYLE)
def recipes_figure(
    scores: pd.DataFrame, ratios: pd.DataFrame, recipes: Mapping[str, str], references: pd.DataFrame, note: str
) -> Figure:
    """Draw one row per recipe: the ratio of errors at hidden points, and a panel of macro F1 per dataset and SPC.

    Args:
        scores: `encoder`, `dataset`, `spc`, `model` and `mean` of the classical models on each encoder.
        ratios: `encoder` and `ratio`, the error of the model at hidden points over that of the window's mean, averaged
            over the classes.
        recipes: recipe of each encoder; encoders of one recipe differ in their seed.
        references: `dataset`, `spc` and `mean` of a classifier without an encoder, drawn as a line.
        note: the caption's first sentences, see `style.source_note`.

    Raises:
        InputError: an encoder has no score or ratio.
    """
    rows = list(dict.fromkeys(recipes.values()))
    for name, table in (("scores", scores), ("ratios", ratios)):
        if missing := set(recipes) - set(table["encoder"]):
            raise InputError(f"{name}: expected the encoder {min(missing)!r}, found none")
    panels = list(scores[["dataset", "spc"]].drop_duplicates().itertuples(index=False))
    figure = new_figure(PAGE, (len(rows) * ROW_MM + 34) * MM)
    axes = figure.subplots(1, len(panels) + 1, sharey=True)
    places = {encoder: rows.index(recipe) for encoder, recipe in recipes.items()}
    _dots(axes[0], ratios["encoder"], ratios["ratio"], places, "s", INK)
    axes[0].axvline(1.0, color="#999999", linewidth=0.8, linestyle="--")
    axes[0].set_xlabel("Error at hidden points\n/ error of the mean")
    for ax, (dataset, spc) in zip(axes[1:], panels, strict=True):
        shown, reference = (t[(t["dataset"] == dataset) & (t["spc"] == spc)] for t in (scores, references))
        for model, (marker, colour) in CLASSIFIERS.items():
            of_model = shown[shown["model"] == model]
            _dots(ax, of_model["encoder"], of_model["mean"], places, marker, colour, label=model)
        for value in reference["mean"]:
            ax.axvline(value, color=EIGHT[2], linewidth=0.8, linestyle="--", label="features, forest")
        ax.set_title(f"{dataset}, {spc} per class")
        ax.set_xlabel("Macro F1")
    axes[0].set_yticks(range(len(rows)), rows)
    axes[0].set_ylim(len(rows) - 0.4, -0.6)  # from top to bottom, with room for whole markers
    for ax in axes:
        ax.xaxis.set_major_locator(MaxNLocator(nbins=4))
        ax.grid(axis="y", color="#E8E8E8", linewidth=0.6)
        ax.set_axisbelow(True)
    handles, labels = axes[1].get_legend_handles_labels()
    unique = dict(zip(labels, handles, strict=True))
    figure.legend(unique.values(), unique.keys(), loc="outside upper right", ncols=3, fontsize=SMALL)
    add_caption(
        figure,
        f"{note} Each dot is an encoder; dots of one row differ in the seed alone. Left: error at hidden points over "
        "that of the mean of the window's visible points, averaged over the classes of all datasets (1: only the mean "
        "is imputed). Others: macro F1 per object, mean over folds, of classical models on the frozen encoder. "
        "Line: random forest on features. The axes are cut.",
    )
    return figure


def _dots(
    ax: mpl.axes.Axes,
    encoders: Sequence[str] | pd.Series,
    values: Sequence[float] | pd.Series,
    places: Mapping[str, int],
    marker: str,
    colour: str,
    label: str | None = None,
) -> None:
    heights = [places[encoder] for encoder in encoders]
    ax.scatter(values, heights, marker=marker, s=14, facecolor="none", edgecolor=colour, linewidth=0.9, label=label)
