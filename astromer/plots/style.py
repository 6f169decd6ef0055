"""The style of all figures: sizes for a journal page, colours, captions, and reproducible files.

A figure is drawn at its printed size, one column (88 mm) or two columns (180 mm) wide, so that the font sizes below are
those on paper. The caption is part of the figure and states first whether the data are real or simulated.
"""

import textwrap
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.typing import ColorType

from astromer.errors import InputError
from astromer.files import atomic_path, write_text

MM = 1 / 25.4
COLUMN = 88 * MM
PAGE = 180 * MM
FONT_SIZE = 8
SMALL = 7
CAPTION_SIZE = 7
DPI = 300
INK = "#333333"
STYLE: dict[str, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": FONT_SIZE,
    "axes.titlesize": FONT_SIZE,
    "axes.labelsize": FONT_SIZE,
    "xtick.labelsize": SMALL,
    "ytick.labelsize": SMALL,
    "legend.fontsize": SMALL,
    "legend.frameon": False,
    "axes.linewidth": 0.6,
    "axes.edgecolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "lines.linewidth": 1.2,
    "hatch.linewidth": 0.5,
    "pdf.fonttype": 42,
}
# Up to eight names: the colours of Okabe & Ito, with grey in place of their yellow, which is invisible on white. Up to
# twelve: those of Krzywinski. Colour-blind readers can distinguish the colours of either set.
EIGHT = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#999999")
TWELVE = (
    *("#9F0162", "#009F81", "#FF5AAF", "#00FCCF", "#8400CD", "#008DF9"),
    *("#00C2F9", "#FFB2FD", "#A40122", "#E20134", "#FF6E3A", "#FFC33B"),
)
# No times in the files, so that the same figure gives the same bytes.
METADATA: dict[str, dict[str, Any]] = {".pdf": {"CreationDate": None}, ".png": {}}


def colours(names: Sequence[str]) -> dict[str, str]:
    """Assign a colour to each name, by its position in the list.

    Raises:
        InputError: there are more names than distinguishable colours.
    """
    if len(names) > len(TWELVE):
        raise InputError(f"expected at most {len(TWELVE)} names to colour, found {len(names)}: {', '.join(names)}")
    palette = EIGHT if len(names) <= len(EIGHT) else TWELVE
    return dict(zip(names, palette, strict=False))


def class_colours(class_lists: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Assign a colour to each class of a run: the same in all of its datasets, and distinct within each of them.

    In a dataset of more than twelve classes colours repeat, and markers or labels have to tell the classes apart.

    Args:
        class_lists: the ordered class lists of all datasets of the run.
    """
    together: dict[str, set[str]] = {}
    for classes in class_lists.values():
        for name in classes:
            together.setdefault(name, set()).update(classes)
    for palette in (EIGHT, TWELVE):
        chosen: dict[str, str] = {}
        repeats = False
        for name, others in together.items():
            taken = {chosen[other] for other in others if other in chosen}
            free = [colour for colour in palette if colour not in taken]
            repeats |= not free
            chosen[name] = min(free or palette, key=list(chosen.values()).count)
        if not repeats:
            break
    return chosen


def contrast(colour: ColorType) -> str:
    """Return black or white, whichever has the higher contrast to `colour` (WCAG contrast ratio)."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return "black" if (luminance + 0.05) / 0.05 > 1.05 / (luminance + 0.05) else "white"


def source_note(run: str, names: Sequence[str], simulated: Collection[str], seed: int | None = None) -> str:
    """Return sentences that state which of `names` (surveys or datasets) are real or simulated, and name the run.

    With `seed`, they state the run's seed as well.

    Raises:
        InputError: `simulated` contains a name that is not in `names`.
    """
    unknown = sorted(set(simulated) - set(names))
    if unknown:
        raise InputError(f"simulated: expected names among {', '.join(names)}, found {', '.join(unknown)}")
    real = [name for name in names if name not in set(simulated)]
    if not simulated:
        note = "Real data."
    elif not real:
        note = "Simulated data, no real stars."
    else:
        made_up = [name for name in names if name in set(simulated)]
        note = f"Simulated data: {', '.join(made_up)}. Real data: {', '.join(real)}."
    return f"{note} Run: {run}." if seed is None else f"{note} Run: {run}, seed {seed}."


def say_empty(axis: Axes, text: str) -> None:
    """Write into a panel why it shows nothing."""
    axis.set_axis_off()
    words = textwrap.fill(text, 28)
    axis.text(0.5, 0.5, words, transform=axis.transAxes, ha="center", va="center", size=SMALL, color=INK, gid="empty")


def new_figure(width: float, height: float, layout: Literal["constrained", "compressed"] = "constrained") -> Figure:
    """Create an empty figure of this size in inches, whose layout clips no label.

    `layout="compressed"` keeps panels of fixed aspect together.
    """
    return Figure(figsize=(width, height), layout=layout, dpi=DPI)


def adjust_layout(figure: Figure, **parameters: Any) -> None:
    """Set parameters of the layout engine of a figure from `new_figure`."""
    engine = figure.get_layout_engine()
    if engine is None:
        raise ValueError("the figure has no layout engine; expected a figure from `new_figure`")
    engine.set(**parameters)


def add_caption(figure: Figure, text: str) -> None:
    """Write `text` below the panels, and enlarge the figure by the height of the text."""
    width, height = figure.get_size_inches()
    letters = int(width * 72 / (0.56 * CAPTION_SIZE))
    lines = textwrap.wrap(text, letters)
    room = (len(lines) * 1.25 * CAPTION_SIZE + 4) / 72
    figure.set_size_inches(width, height + room)
    bottom = room / (height + room)
    adjust_layout(figure, rect=(0, bottom, 1, 1 - bottom))
    caption = figure.text(2 * MM / width, bottom, "\n".join(lines), size=CAPTION_SIZE, va="top", color=INK)
    caption.set(linespacing=1.25, in_layout=False, gid="caption", parse_math=False)


def save_figure(figure: Figure, *paths: Path) -> None:
    """Write the figure to each path, as PDF or PNG (300 dpi) according to its suffix, and its caption beside a PDF.

    The caption's file has the suffix `.txt`.

    Raises:
        InputError: a suffix is neither `.pdf` nor `.png`.
    """
    for path in map(Path, paths):
        if path.suffix not in METADATA:
            raise InputError(f"{path}: expected a figure named .pdf or .png")
        with mpl.rc_context(STYLE), atomic_path(path) as temporary:
            figure.savefig(temporary, dpi=DPI, metadata=METADATA[path.suffix])
        for caption in figure.texts if path.suffix == ".pdf" else []:
            if caption.get_gid() == "caption":
                write_text(path.with_suffix(".txt"), caption.get_text().replace("\n", " ") + "\n")
