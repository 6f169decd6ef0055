"""Macro F1 of Astromer 1 and 2, measured and published side by side."""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from astromer.errors import InputError
from astromer.evaluation.published import COMPARED, NAMES
from astromer.plots.scores import HEADS, PANELS_PER_ROW, nice_limit
from astromer.plots.style import COLUMN, INK, MM, PAGE, SMALL, STYLE, add_caption, new_figure

MEASURED: dict[str, Any] = {"facecolor": "#7FB8DA", "edgecolor": "#0072B2"}
PUBLISHED: dict[str, Any] = {"facecolor": "white", "edgecolor": "#D55E00", "hatch": "////"}
WIDTH = 0.4


def measured_scores(
    metrics: pd.DataFrame, generations: Mapping[str, Mapping[str, str]], heads: Mapping[str, str]
) -> pd.DataFrame:
    """Average the scores of the compared classifiers over seeds, then over folds.

    Args:
        metrics: rows of the table `metrics.csv` for one dataset, level and metric, macro averages only.
        generations: encoder and state that stand for `A1` and `A2`; one that is not in the run is missing.
        heads: name in the run of each head of the paper; one that is not in the run is missing.

    Returns:
        `spc`, `model` (`A1` or `A2`), `head`, `mean`, `sd` (sample standard deviation, NaN for one fold), `folds`.
    """
    tables = []
    for model, head in COMPARED:
        if model in generations and head in heads:
            encoder, state = generations[model]["encoder"], generations[model]["state"]
            is_it = (metrics["encoder"] == encoder) & (metrics["state"] == state) & (metrics["model"] == heads[head])
            of_folds = metrics[is_it].groupby(["spc", "fold"], as_index=False)["value"].mean()
            averaged = of_folds.groupby("spc", as_index=False)["value"].agg(mean="mean", sd="std", folds="count")
            tables.append(averaged.assign(model=model, head=head))
    columns = ["spc", "model", "head", "mean", "sd", "folds"]
    return pd.concat(tables)[columns] if tables else pd.DataFrame(columns=columns)


@mpl.rc_context(STYLE)
def f1_figure(measured: pd.DataFrame, published: pd.DataFrame, sizes: Sequence[int], folds: int, note: str) -> Figure:
    """Draw pairs of bars, measured and published, with one panel per number of samples per class.

    Args:
        measured: what `measured_scores` returns.
        published: `dataset`, `spc`, `model`, `head`, `mean`, `sd`, of one dataset of the paper.
        sizes: numbers of samples per class of the run; those that were published have a panel, or else all.
        folds: number of folds of the dataset.
        note: the caption's first sentences, see `style.source_note`.

    Raises:
        InputError: a fold is missing.
    """
    for row in measured.itertuples():
        if row.folds != folds:
            where = f"{row.model} + {row.head}, {row.spc} samples per class"
            raise InputError(f"F1 figure: {where}: expected {folds} folds, found {row.folds}")
    absent = [size for size in sizes if size not in set(published["spc"])]
    if len(absent) < len(sizes):
        sizes = [size for size in sizes if size not in absent]
    columns = PANELS_PER_ROW.get(len(sizes), 3)
    rows = -(-len(sizes) // columns)
    figure = new_figure(COLUMN if columns == 1 else PAGE, (14 + 48 * rows) * MM)
    axes = figure.subplots(rows, columns, sharey=True, squeeze=False).flatten()
    shown = pd.concat([measured, published[published["spc"].isin(sizes)]])
    top = nice_limit((shown["mean"] + shown["sd"].fillna(0)).max() + 0.06)
    for axis, size in zip(axes, sizes, strict=False):
        axis.set_title(f"{size} samples per class")
        for shift, table, style in ((-WIDTH / 2, measured, MEASURED), (WIDTH / 2, published, PUBLISHED)):
            _draw_bars(axis, table[table["spc"] == size], shift, style)
        axis.set_xticks(range(len(COMPARED)), [f"{model} + {HEADS[head]}" for model, head in COMPARED])
        axis.tick_params(axis="x", length=0)
        axis.set(xlim=(-0.5, len(COMPARED) - 0.5), ylim=(0, top))
    for axis in axes[len(sizes) :]:
        axis.remove()
    for axis in axes[: len(sizes) : columns]:
        axis.set_ylabel("Macro F1 per window")
    paper = NAMES[published["dataset"].iloc[0]]
    labels = (("measured", MEASURED), (f"published, {paper}", PUBLISHED))
    handles = [Patch(**style, label=label, linewidth=0.8) for label, style in labels]
    figure.legend(handles=handles, loc="outside upper center", ncols=2)
    add_caption(figure, f"{note} {_explanation(measured, published, folds)}{_left_out(absent, sizes)}")
    return figure


def _draw_bars(axis: Axes, rows: pd.DataFrame, shift: float, style: Mapping[str, Any]) -> None:
    """Draw the bars of one source, with their values, or a word where there is no value."""
    for place, (model, head) in enumerate(COMPARED):
        found = rows[(rows["model"] == model) & (rows["head"] == head)]
        x = place + shift
        if found.empty:
            word = "not in this run" if style is MEASURED else "not published"
            axis.text(x, 0.01, word, rotation=90, size=SMALL, color=INK, ha="center", va="bottom")
            axis.update_datalim([(x, 0)])
            continue
        mean, sd = found["mean"].iloc[0], found["sd"].iloc[0]
        axis.bar(x, mean, width=WIDTH - 0.02, linewidth=0.8, **style)
        height = mean
        if pd.notna(sd):
            axis.errorbar(x, mean, yerr=sd, color=INK, lw=0.8, capsize=2, capthick=0.8)
            height += sd
        axis.annotate(
            f"{mean:.2f}",
            (x, height),
            xytext=(0, 1.5),
            textcoords="offset points",
            size=SMALL,
            ha="center",
            va="bottom",
        )


def _left_out(absent: Sequence[int], drawn: Sequence[int]) -> str:
    """Return a sentence about the numbers of samples per class that have no panel, if there are any."""
    if not absent or set(absent) == set(drawn):
        return ""
    return f" Not drawn, because nothing was published: {', '.join(map(str, absent))} samples per class."


def _explanation(measured: pd.DataFrame, published: pd.DataFrame, folds: int) -> str:
    what = "one fold" if folds == 1 else f"mean and sample standard deviation over {folds} folds"
    absent = {model for model, _ in COMPARED} - set(measured["model"])
    without = f" Not in this run: {', '.join(sorted(absent))}." if absent else ""
    sizes = ", ".join(str(size) for size in sorted(published["spc"].unique()))
    return (
        f"Measured: {what}, encoders finetuned where the run does so.{without} Published: mean and standard deviation "
        f"over 3 folds of {NAMES[published['dataset'].iloc[0]]} ({sizes} samples per class). Each window counts once, "
        "as published. A1, A2: Astromer 1 and 2. The stars of the two are the same only in a run on the paper's data."
    )
