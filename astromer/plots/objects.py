"""Objects of a dataset: their number in each class, and the lengths of their light curves."""

from collections.abc import Mapping, Sequence

import matplotlib as mpl
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import LogLocator, NullFormatter

from astromer.errors import InputError
from astromer.plots.style import INK, MM, PAGE, SMALL, STYLE, add_caption, new_figure

BOX = (5, 95)  # percentiles at the whiskers


def count_objects(metadata: pd.DataFrame, split: pd.DataFrame, classes: Sequence[str]) -> pd.DataFrame:
    """Count the objects of each class, and describe their lengths.

    Args:
        metadata: table of the survey's objects, with `id`, `class` and `num_obs`.
        split: sets of the dataset, with `fold`, `subset`, `id` and `class`.
        classes: the dataset's ordered class list.

    Returns:
        One row per class: `class`, `objects` of the survey, `used` (in any set of any fold), `test_min` and `test_max`
        (test objects of a fold), and `p5`, `median`, `p95` of the number of observations (NaN without objects).
    """
    rows = []
    for name in classes:
        lengths = metadata.loc[metadata["class"] == name, "num_obs"]
        members = split[split["class"] == name]
        tested = members[members["subset"] == "test"].groupby("fold")["id"].nunique()
        tested = tested.reindex(sorted(split["fold"].unique()), fill_value=0)
        low, median, high = lengths.quantile([BOX[0] / 100, 0.5, BOX[1] / 100])
        counts = {"objects": len(lengths), "used": members["id"].nunique()}
        tests = {"test_min": int(tested.min()), "test_max": int(tested.max())}
        rows.append({"class": name, **counts, **tests, "p5": low, "median": median, "p95": high})
    return pd.DataFrame(rows)


@mpl.rc_context(STYLE)
def objects_figure(
    metadata: pd.DataFrame, counts: pd.DataFrame, colours: Mapping[str, str], window: int, note: str
) -> Figure:
    """Draw the number of objects of each class as bars, and the lengths of their light curves as boxes.

    Args:
        metadata: table of the survey's objects, with `class` and `num_obs`.
        counts: what `count_objects` returns.
        colours: colour of each class, see `style.class_colours`.
        window: observations per window.
        note: the caption's first sentences, see `style.source_note`.

    Raises:
        InputError: the survey has no object of any class.
    """
    classes = counts["class"].to_list()
    members = metadata[metadata["class"].isin(classes)]
    if members.empty:
        raise InputError(f"data figure: expected objects of {', '.join(classes)}, found none")
    figure = new_figure(PAGE, (22 + 6.5 * len(classes)) * MM)
    left, right = figure.subplots(1, 2, sharey=True)
    places = range(len(classes))
    left.barh(places, counts["objects"], height=0.7, color="white", edgecolor=[colours[name] for name in classes])
    left.barh(places, counts["used"], height=0.7, color=[colours[name] for name in classes])
    for place, row in enumerate(counts.itertuples()):
        left.annotate(
            f"{row.objects:,} ({row.used:,})", (row.objects, place), (3, 0), textcoords="offset points", size=SMALL,
            va="center",
        )  # fmt: skip
    left.set_yticks(places, classes)
    left.set_xlim(0, 1.32 * counts["objects"].max())
    left.set_xlabel("Number of objects")
    drawn = {"y": "class", "x": "num_obs", "order": classes, "hue": "class", "hue_order": classes}
    lines = {"linewidth": 0.8, "linecolor": INK, "width": 0.6, "whis": BOX, "showfliers": False}
    sns.boxplot(members, **drawn, palette=dict(colours), saturation=1, legend=False, ax=right, **lines)
    right.axvline(window, color=INK, lw=0.8, ls="--")
    right.set(xscale="log", xlabel="Observations per object", ylabel="")
    right.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    right.xaxis.set_major_formatter("{x:g}")
    right.xaxis.set_minor_formatter(NullFormatter())
    for axis in (left, right):
        axis.tick_params(axis="y", length=0)
    left.set_ylim(len(classes) - 0.5, -0.5)
    handles = [
        Patch(facecolor="#bbbbbb", edgecolor="#777777", label="in the sets of this run"),
        Patch(facecolor="white", edgecolor="#777777", label="other objects of the class"),
    ]
    figure.legend(handles=handles, loc="outside upper center", ncols=2)
    add_caption(figure, f"{note} {_explanation(metadata, counts, window)}")
    return figure


def _explanation(metadata: pd.DataFrame, counts: pd.DataFrame, window: int) -> str:
    others = len(metadata) - counts["objects"].sum()
    absent = counts.loc[counts["objects"] == 0, "class"]
    without = f" No object of: {', '.join(absent)}." if len(absent) else ""
    tests = sorted({*counts["test_min"], *counts["test_max"]})
    tested = f"{tests[0]:,}" if len(tests) == 1 else f"{tests[0]:,} to {tests[-1]:,}"
    return (
        f"Numbers: objects of the class after ingest and, in parentheses, those in any set of any fold; {tested} test "
        f"objects per class and fold. {others:,} objects of the survey are of other classes.{without} Boxes: quartiles "
        f"and median, whiskers at the percentiles {BOX[0]} and {BOX[1]}; dashed: one window of {window} observations."
    )
