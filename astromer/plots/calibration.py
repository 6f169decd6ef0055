"""Calibration of classifiers: reliability diagrams, and the coverage of their prediction sets."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from astromer.evaluation.calibration import BINS, calibration_error, fit_temperature, reliability, scale_temperature
from astromer.evaluation.conformal import score_sets
from astromer.evaluation.predictions import pool_objects, probabilities_of, read_predictions
from astromer.plots.panels import MARKERS, count_range, draw_points, folds_note
from astromer.plots.style import EIGHT, INK, MM, PAGE, STYLE, add_caption, new_figure

COVERAGES = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
COLUMNS = 3
FEWEST = 5  # objects of a bin that is drawn
NORMAL_95 = 1.96  # standard deviations of a normal distribution that hold 95 % of it
SHARE: dict[str, Any] = {"facecolor": "#dddddd", "edgecolor": "none"}
PERFECT: dict[str, Any] = {"color": INK, "ls": ":", "lw": 0.8}


class Calibrations(NamedTuple):
    """Calibration of several classifiers on the test objects of all folds, as tables of pandas.

    Attributes:
        bins: what `reliability` counts, with `classifier`, `fold` and `scaled`, by the temperature or not.
        scores: `classifier`, `fold`, `objects`, `temperature`, `ece` and `ece_scaled`.
        sets: `classifier`, `fold`, `nominal`, and `coverage` and `set_size` of `score_sets`.
    """

    bins: pd.DataFrame
    scores: pd.DataFrame
    sets: pd.DataFrame


def read_calibrations(
    files: Mapping[str, Path],
    classifiers: Mapping[str, Mapping[str, Any]],
    classes: Sequence[str],
    folds: Sequence[int],
    spc: int,
) -> Calibrations:
    """Measure the calibration of classifiers from their predictions of test objects and of objects to calibrate on.

    Args:
        files: predictions by classifier.
        classifiers: `model` in the file, and `subset`, the objects to calibrate on, by classifier.
        classes: the dataset's ordered class list.
        folds, spc: the dataset's folds, and the samples per class.

    Raises:
        InputError: a file lacks a fold of a classifier, or has other classes; the message names it.
    """
    bins, scores, sets = [], [], []
    for name, path in files.items():
        for fold in folds:
            about = {"model": classifiers[name]["model"], "fold": fold, "spc": spc}
            test = read_predictions(path, classes, **about)
            calibrating = read_predictions(path, classes, **about, subset=classifiers[name]["subset"])
            keys = {"classifier": name, "fold": fold}
            temperature, errors = fit_temperature(calibrating, classes), []
            for scaled, table in enumerate((test, scale_temperature(test, temperature))):
                objects = pool_objects(table)
                probabilities, labels = probabilities_of(objects), objects["label"].to_numpy()
                errors.append(calibration_error(probabilities, labels))
                bins.append(reliability(probabilities, labels).to_pandas().assign(**keys, scaled=bool(scaled)))
            scores.append({**keys, "objects": len(labels), "temperature": temperature})
            scores[-1] |= dict(zip(("ece", "ece_scaled"), errors, strict=True))
            sets += [{**keys, "nominal": share, **score_sets(calibrating, test, share)} for share in COVERAGES]
    return Calibrations(pd.concat(bins, ignore_index=True), pd.DataFrame(scores), pd.DataFrame(sets))


@mpl.rc_context(STYLE)
def calibration_figure(measured: Calibrations, labels: Mapping[str, str], num_classes: int, note: str) -> Figure:
    """Draw a reliability diagram of each classifier; below, coverage and size of the prediction sets of all.

    Args:
        measured: what `read_calibrations` returns.
        labels: name of each classifier in the figure, in the order of the panels.
        num_classes: number of classes, which a prediction set cannot exceed.
        note: the caption's first sentences, see `style.source_note`.
    """
    columns = min(COLUMNS, len(labels))
    rows = -(-len(labels) // columns)
    figure = new_figure(PAGE, (46 * rows + 54) * MM)
    grid = figure.add_gridspec(rows + 1, 6)
    width = 6 // columns
    style = {name: (EIGHT[place], MARKERS[place]) for place, name in enumerate(labels)}
    for place, (name, label) in enumerate(labels.items()):
        row, column = divmod(place, columns)
        axis = figure.add_subplot(grid[row, column * width : (column + 1) * width])
        _draw_reliability(axis, measured.bins[measured.bins["classifier"] == name], *style[name])
        error, scaled = measured.scores.loc[measured.scores["classifier"] == name, ["ece", "ece_scaled"]].mean()
        axis.set_title(f"{label}\nECE {error:.3f}, scaled {scaled:.3f}")
        if column == 0:
            axis.set_ylabel("Accuracy")
        if place + columns >= len(labels):
            axis.set_xlabel("Confidence (largest probability)")
    covered, sizes = (figure.add_subplot(grid[rows, part]) for part in (slice(0, 3), slice(3, 6)))
    averaged = measured.sets.groupby(["classifier", "nominal"])[["coverage", "set_size"]].agg(["mean", "std"])
    for place, name in enumerate(labels):
        of_classifier = averaged.loc[name]
        x = of_classifier.index.to_numpy() + 0.003 * (place - (len(labels) - 1) / 2)
        draw_points(covered, x, of_classifier["coverage"], *style[name])
        draw_points(sizes, x, of_classifier["set_size"], *style[name])
    covered.plot([COVERAGES[0], 1], [COVERAGES[0], 1], **PERFECT)
    covered.set_ylabel("Sets with the true class\n(fraction of test objects)")
    sizes.set_ylabel(f"Classes in a set\n(of {num_classes})")
    sizes.set_ylim(0, None)
    for axis in (covered, sizes):
        axis.set_xlabel("Coverage asked for")
    handles = [
        Line2D([], [], color=INK, marker="o", ms=3.5, lw=0.8, label="as predicted"),
        Line2D([], [], color=INK, marker="o", ms=3.5, lw=0.8, ls="--", mfc="white", label="scaled by a temperature"),
        Patch(**SHARE, label="share of the objects"),
        Line2D([], [], **PERFECT, label="calibrated"),
    ]
    figure.legend(handles=handles, loc="outside upper center", ncols=4)
    add_caption(figure, f"{note} {_explanation(measured)}")
    return figure


def _draw_reliability(axis: Axes, bins: pd.DataFrame, colour: str, marker: str) -> None:
    """Draw accuracy against confidence, both with and without scaling, with folds taken together."""
    for scaled, of_kind in bins.groupby("scaled"):
        counted = of_kind.groupby("bin")[["objects", "hits", "confidence"]].sum()
        if not scaled:
            share = counted["objects"] / counted["objects"].sum()
            axis.bar((counted.index + 0.5) / BINS, share, width=1 / BINS, zorder=0, **SHARE)
        drawn = counted[counted["objects"] >= FEWEST]
        confidence, accuracy = drawn["confidence"] / drawn["objects"], drawn["hits"] / drawn["objects"]
        line: dict[str, Any] = {"color": colour, "marker": marker, "ms": 3.5, "lw": 0.8}
        if scaled:
            axis.plot(confidence, accuracy, ls="--", mfc="white", zorder=2, **line)
        else:
            low, high = _interval(drawn["hits"].to_numpy(), drawn["objects"].to_numpy())
            axis.errorbar(confidence, accuracy, yerr=[accuracy - low, high - accuracy], capsize=1.5, zorder=3, **line)
    axis.plot([0, 1], [0, 1], **PERFECT)
    axis.set(xlim=(0, 1.03), ylim=(0, 1.05))  # whole markers at 1


def _interval(hits: np.ndarray, objects: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the 95 % interval of binomial fractions (Wilson 1927)."""
    fraction, squared = hits / objects, NORMAL_95**2
    shrinking = 1 + squared / objects
    centre = (fraction + squared / (2 * objects)) / shrinking
    half = np.sqrt(fraction * (1 - fraction) / objects + squared / (4 * objects**2)) * NORMAL_95 / shrinking
    return np.minimum(centre - half, fraction), np.maximum(centre + half, fraction)


def _explanation(measured: Calibrations) -> str:
    counts = measured.scores["objects"]
    return (
        f"{count_range(counts.min(), counts.max())} test objects per fold. Top: {BINS} bins of confidence, those with "
        f"fewer than {FEWEST} objects left out; bars: 95% binomial (Wilson) intervals of all folds together, in which "
        "a star counts once for each fold that tests it. ECE: expected calibration error, mean over folds. The "
        "temperature is fitted to objects that the classifier did not learn from (validation, or held out), which also "
        "calibrate the sets. Bottom: conformal prediction sets, in the colours and markers of the panels above. "
        f"{folds_note({'': measured.scores['fold'].nunique()})}"
    )
