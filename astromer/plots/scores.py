"""Scores of all classifiers as bars (Fig. 12 of Donoso-Oliva et al. 2026, with controls)."""

import math
from collections.abc import Mapping
from typing import Any

import matplotlib as mpl
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, MaxNLocator

from astromer.errors import InputError
from astromer.plots.style import COLUMN, INK, MM, PAGE, SMALL, STYLE, add_caption, new_figure

HEADS = {
    "avg": "Avg",
    "max": "Max",
    "skip": "Skip",
    "att_avg": "Att. Avg",
    "att_cls": "Att. CLS",
    "msx": "Mean, std, max",
    "logistic": "Logistic",
    "forest": "Forest",
    "fused": "Features",
}
BASELINES = {
    "raw_gru": "Base (Raw GRU)",
    "base_gru": "Base (GRU)",
    "base_avgpool": "Base (MLP)",
}
CLASSICAL = {
    "statistics_forest": "Statistics, forest",
    "statistics_logistic": "Statistics, logistic",
    "period_forest": "Period, forest",
    "period_logistic": "Period, logistic",
    "features_forest": "Features, forest",
    "features_logistic": "Features, logistic",
    "shuffled_labels": "Features, shuffled labels",
    "wrong_period": "Features, period 1 % wrong",
}
METRICS = {"f1": "Macro F1", "precision": "Macro precision", "recall": "Macro recall", "accuracy": "Accuracy"}
KINDS: dict[str, tuple[str, dict[str, Any]]] = {
    "head": ("Head on an encoder", {"facecolor": "#7FB8DA", "edgecolor": "#0072B2"}),
    "probe": ("Linear or forest on an encoder", {"facecolor": "#CDE5F3", "edgecolor": "#0072B2"}),
    "fused": ("Encoder with features", {"facecolor": "#9CD8C4", "edgecolor": "#009E73"}),
    "classical": ("Features without an encoder", {"facecolor": "#F3C98B", "edgecolor": "#D55E00"}),
    "baseline": ("Network without an encoder", {"facecolor": "#E3E3E3", "edgecolor": "#666666", "hatch": "////"}),
    "control": ("Control", {"facecolor": "white", "edgecolor": "#666666", "hatch": "...."}),
}
BAR_MM = 4.2
LOWEST_BAR_MM = 2.9  # a line of text
PAGE_MM = 215.0  # of all bars, at most, as long as text fits
PANELS_PER_ROW = {1: 1, 2: 2, 4: 2}  # by number of panels; 3 for any other number


def model_label(model: str, encoder: str | None, encoders: Mapping[str, str], state: str | None = None) -> str:
    """Return the label of a model as in the paper, e.g. "A2 + Skip"; encoders missing in `encoders` keep their name.

    A finetuned encoder has a star, one that is shown wrong periods a question mark.
    """
    if not isinstance(encoder, str):  # None, or NaN in a table of pandas
        return CLASSICAL.get(model) or BASELINES.get(model, f"Base ({model})")
    mark = {"finetuned": "*", "wrong_period": "?"}.get(state or "", "")
    return f"{encoders.get(encoder, encoder)}{mark} + {HEADS.get(model, model)}"


@mpl.rc_context(STYLE)
def ablation_figure(summary: pd.DataFrame, note: str, *, encoders: Mapping[str, str]) -> Figure:
    """Draw the score of each model as bars, with one panel per number of samples per class.

    The models have the same order in all panels: by their mean over the panels, with the best on top. Whiskers are the
    sample standard deviation over folds; mean and deviation are also written as numbers.

    Args:
        summary: rows of `evaluation.scores.summarise` for one dataset, level and metric, macro averages only.
        note: the caption's first sentences, see `style.source_note`.
        encoders: short name of each encoder, for the labels, e.g. {"macho_v2": "A2"}.

    Raises:
        InputError: there are no rows, rows of several datasets, levels or metrics, or a model lacks a panel.
    """
    dataset, level, metric = _only(summary, "dataset"), _only(summary, "level"), _only(summary, "metric")
    names = summary[["model", "encoder", "state"]].itertuples(index=False)
    summary = summary.assign(label=[model_label(model, encoder, encoders, state) for model, encoder, state in names])
    sizes = sorted(set(summary["spc"]))
    labels = _order(summary, sizes)
    columns = PANELS_PER_ROW.get(len(sizes), 3)
    rows = -(-len(sizes) // columns)
    bar = min(BAR_MM, max(LOWEST_BAR_MM, (PAGE_MM - 15 * rows) / (rows * len(labels))))
    figure = new_figure(COLUMN if columns == 1 else PAGE, (12 + rows * (15 + bar * len(labels))) * MM)
    axes = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).flatten()
    limit = nice_limit((summary["mean"] + summary["std"].fillna(0)).max())
    for axis, size in zip(axes, sizes, strict=False):
        _draw_panel(axis, summary[summary["spc"] == size], labels, limit)
        axis.set_title(f"{size} samples per class")
    for axis in axes[len(sizes) :]:
        axis.remove()
    for axis in axes[max(0, len(sizes) - columns) : len(sizes)]:
        axis.set_xlabel(f"{METRICS[metric]} per {level}")
        axis.tick_params(labelbottom=True)
    kinds = [kind for kind in KINDS if kind in set(summary["kind"])]
    handles = [Patch(**KINDS[kind][1], label=KINDS[kind][0], linewidth=0.8) for kind in kinds]
    figure.legend(handles=handles, loc="outside upper center", ncols=1 if columns == 1 else min(3, len(handles)))
    add_caption(figure, f"{note} {_numbers(summary, dataset, level)}")
    return figure


def _only(summary: pd.DataFrame, column: str) -> str:
    values = sorted(summary[column].unique())
    if len(values) != 1:
        raise InputError(f"ablation figure: expected rows of one {column}, found {values}")
    return values[0]


def nice_limit(value: float) -> float:
    """Return the end of an axis of scores: the next tenth above the largest value, at most 1."""
    return min(1.0, math.ceil(round(10 * value, 6)) / 10)


def _order(summary: pd.DataFrame, sizes: list[int]) -> list[str]:
    """Sort the models by their mean over all panels, the worst first, and check that each is in every panel once."""
    for label, of_model in summary.groupby("label")["spc"]:
        if (found := sorted(of_model)) != sizes:
            raise InputError(f"ablation figure: {label}: expected the samples per class {sizes}, found {found}")
    means = summary.groupby("label", as_index=False)["mean"].mean()
    return means.sort_values(["mean", "label"])["label"].to_list()


def _draw_panel(axis: Axes, rows: pd.DataFrame, labels: list[str], limit: float) -> None:
    for label, kind, mean, std in rows[["label", "kind", "mean", "std"]].itertuples(index=False):
        place = labels.index(label)
        axis.barh(place, mean, height=0.66, linewidth=0.8, **KINDS[kind][1])
        text = f"{mean:.3f}"
        if pd.notna(std):
            axis.errorbar(mean, place, xerr=std, color=INK, lw=0.9, capsize=2, capthick=0.9)
            text += f" ± {std:.3f}"
        axis.text(1.05, place, text, transform=axis.get_yaxis_transform(), size=SMALL, va="center")
    axis.set_xlim(0, limit)
    axis.xaxis.set_major_locator(MaxNLocator(nbins=5, steps=[1, 2, 5, 10]))
    axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_yticks(range(len(labels)), labels)
    axis.set_ylim(-0.7, len(labels) - 0.3)
    axis.tick_params(axis="y", length=0)
    axis.grid(axis="x", color="#dddddd", lw=0.5)
    axis.set_axisbelow(True)


def _numbers(summary: pd.DataFrame, dataset: str, level: str) -> str:
    """Return sentences that explain the bars, whiskers and numbers."""
    folds = sorted(set(summary["folds"]))
    low, high = summary["count_min"].min(), summary["count_max"].max()
    counted = f"{low:,}" if low == high else f"{low:,} to {high:,}"
    over = " or ".join(map(str, folds))
    what = "One fold, no error bars." if folds == [1] else f"Mean ± sample standard deviation over {over} folds."
    marks = {"finetuned": " *: finetuned on the training objects.", "wrong_period": " ?: all periods wrong by 1 %."}
    marked = "".join(mark for state, mark in marks.items() if state in set(summary["state"]))
    return f"Dataset: {dataset}. {what} Test {level}s in a fold: {counted}.{marked}"
