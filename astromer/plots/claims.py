"""Claims: differences of macro F1 with their intervals, one line per claim."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import matplotlib as mpl
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator

from astromer.errors import InputError
from astromer.plots.panels import COLUMNS, MARKERS
from astromer.plots.style import INK, MM, PAGE, STYLE, add_caption, new_figure, say_empty

VERDICTS = {"holds": "#009E73", "undecided": "#777777", "does not hold": "#D55E00"}
LINE_MM = 3.6
SIZE_MM = 1.6  # for each number of samples per class in a line


class Line(NamedTuple):
    """A line of the figure: a claim, as a heading, or a pair of classifiers below it."""

    claim: str
    first: str | None = None
    second: str | None = None

    @property
    def label(self) -> str:
        """Text in front of the line; that encoders are frozen is said in the caption."""
        return (self.claim if self.first is None else f"{self.first}  >  {self.second}").replace(" (frozen)", "")


@mpl.rc_context(STYLE)
def claims_figure(claims: pd.DataFrame, datasets: Sequence[str], note: str) -> Figure:
    """Draw the difference of each pair of classifiers with its interval, coloured by the verdict.

    Args:
        claims: the table `claims.csv`, see `astromer.stages.claims`.
        datasets: datasets in the order of the panels, three side by side.
        note: the caption's first sentences, see `style.source_note`.

    Raises:
        InputError: a verdict is unknown.
    """
    if unknown := set(claims["verdict"]) - set(VERDICTS):
        raise InputError(f"claims figure: expected verdicts among {', '.join(VERDICTS)}, found {sorted(unknown)}")
    sizes = sorted(claims["first_spc"].unique())
    lines = _lines(claims)
    step = max(LINE_MM, SIZE_MM * len(sizes))
    heights = [step if line.first else LINE_MM + 0.6 for line in lines]
    middles = [sum(heights[:place]) + height / 2 for place, height in enumerate(heights)]
    columns = min(COLUMNS, len(datasets))
    bands = -(-len(datasets) // columns)
    figure = new_figure(PAGE, (bands * max(sum(heights) + 14, 30) + 10) * MM)
    axes = figure.subplots(bands, columns, sharey=True, squeeze=False).flatten()
    for axis in axes[len(datasets) :]:
        axis.remove()
    for axis, dataset in zip(axes, datasets, strict=False):
        rows = claims[claims["dataset"] == dataset]
        axis.set_title(dataset)
        if rows.empty:
            say_empty(axis, "no claim whose classifiers are in this run")
            continue
        for line, middle in zip(lines, middles, strict=True):
            if line.first:
                _draw_line(axis, rows, line, middle, sizes)
        _finish(axis, lines, middles, sum(heights))
    handles = [Line2D([], [], color=colour, lw=1.6, label=verdict) for verdict, colour in VERDICTS.items()]
    markers = {size: MARKERS[place % len(MARKERS)] for place, size in enumerate(sizes)}
    handles += [
        Line2D([], [], color=INK, lw=0, marker=marker, ms=3.5, label=f"{size} samples per class")
        for size, marker in markers.items()
    ]
    figure.legend(handles=handles, loc="outside upper center", ncols=3 + min(3, len(sizes)), columnspacing=1.2)
    add_caption(figure, f"{note} {_explanation(claims, datasets)}")
    return figure


def _lines(claims: pd.DataFrame) -> list[Line]:
    """List the claims in the order of the table, each followed by its pairs of classifiers."""
    pairs: dict[str, dict[Line, None]] = {}
    for row in claims.itertuples():
        pairs.setdefault(row.claim, {})[Line(row.claim, row.first, row.second)] = None
    return [line for claim, members in pairs.items() for line in (Line(claim), *members)]


def _draw_line(axis: Axes, rows: pd.DataFrame, line: Line, middle: float, sizes: Sequence[int]) -> None:
    of_line = rows[(rows["claim"] == line.claim) & (rows["first"] == line.first) & (rows["second"] == line.second)]
    for row in of_line.itertuples():
        place = sizes.index(row.first_spc)
        y = middle + SIZE_MM * 0.85 * (place - (len(sizes) - 1) / 2)
        colour = VERDICTS[row.verdict]
        axis.plot([row.low, row.high], [y, y], color=colour, lw=1.1, solid_capstyle="butt")
        axis.plot(row.difference, y, MARKERS[place % len(MARKERS)], ms=3.2, color=colour)


def _finish(axis: Axes, lines: Sequence[Line], middles: Sequence[float], bottom: float) -> None:
    axis.axvline(0, color=INK, lw=0.6)
    axis.set_ylim(bottom, 0)
    ticks = axis.set_yticks(middles, [line.label for line in lines])
    for tick, line in zip(ticks, lines, strict=True):
        tick.label1.set_fontweight("normal" if line.first else "bold")
    axis.tick_params(axis="y", length=0)
    axis.grid(axis="x", color="#dddddd", lw=0.5)
    axis.set_axisbelow(True)
    axis.set_xlabel("Difference of\nmacro F1 per object")
    axis.xaxis.set_major_locator(MaxNLocator(nbins=5, steps=[1, 2, 5, 10]))
    axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}".replace("-", "\N{MINUS SIGN}")))


def count_verdicts(verdicts: Mapping[str, int]) -> list[str]:
    """Return a phrase such as `3 do not hold` for each verdict that occurs."""
    verbs = {
        "holds": ("holds", "hold"),
        "undecided": ("is undecided", "are undecided"),
        "does not hold": ("does not hold", "do not hold"),
    }
    return [f"{verdicts[name]} {verbs[name][int(verdicts[name] != 1)]}" for name in VERDICTS if name in verdicts]


def _explanation(claims: pd.DataFrame, datasets: Sequence[str]) -> str:
    counted = []
    for dataset in datasets:
        rows = claims[claims["dataset"] == dataset]
        if len(rows):
            found = ", ".join(count_verdicts(rows["verdict"].value_counts()))
            folds = "1 fold" if rows["folds"].max() == 1 else f"{rows['folds'].max()} folds"
            counted.append(f"{dataset}: {rows['objects'].max():,} test objects in {folds}; {found}.")
    return (
        "Points: first minus second classifier. Bars: 95% intervals of a paired bootstrap over test objects and folds. "
        "A claim, in bold, is that the first classifier scores higher: it holds if the whole interval is above 0, does "
        f"not if all of it is below. Encoders are frozen where nothing else is said. {' '.join(counted)}"
    )
