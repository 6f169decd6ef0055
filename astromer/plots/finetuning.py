"""Reconstruction before and after finetuning, and what finetuning costs."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from astromer.errors import InputError
from astromer.plots.panels import (
    COLUMNS,
    check_folds,
    count_range,
    dataset_panels,
    draw_points,
    folds_note,
    marker_handle,
)
from astromer.plots.style import EIGHT, INK, STYLE, add_caption

BEFORE, AFTER = (EIGHT[7], "s"), (EIGHT[0], "o")
MEAN: dict[str, Any] = {"color": INK, "ls": ":", "lw": 0.9}
MINUTES = (EIGHT[1], "D")

Files = Mapping[str, Mapping[str, Mapping[str, Mapping[str, str]]]]


def read_finetunings(files: Files) -> pd.DataFrame:
    """Read scores and time of every finetuning of an encoder.

    Args:
        files: paths of `scores.csv` and `timing.csv` as `scores` and `timing`, by dataset, fold and SPC.

    Returns:
        One row per finetuning: `dataset`, `fold`, `spc`, `windows`; `before`, `after` and `window_mean`: RMSE at hidden
        points [mag] of the encoder before and after, and of the mean of the visible points; `minutes` (NaN if unknown).

    Raises:
        InputError: a predictor is missing.
    """
    rows = []
    for dataset, folds in files.items():
        for fold, sizes in folds.items():
            for spc, paths in sizes.items():
                scores = pd.read_csv(Path(paths["scores"])).set_index("predictor")
                predictors = {"before": "pretrained", "after": "model", "window_mean": "window_mean"}
                if missing := [name for name in predictors.values() if name not in scores.index]:
                    raise InputError(f"{paths['scores']}: expected rows of {', '.join(missing)}, found none")
                rmse = {name: scores.loc[row, "rmse_hidden"] for name, row in predictors.items()}
                # The minutes of a resumed job are not known: a blank line in a table of one column.
                minutes = pd.read_csv(Path(paths["timing"]), skip_blank_lines=False)["minutes"].iloc[0]
                keys = {"dataset": dataset, "fold": int(fold), "spc": int(spc)}
                rows.append({**keys, "windows": scores.loc["model", "windows"], **rmse, "minutes": minutes})
    return pd.DataFrame(rows)


@mpl.rc_context(STYLE)
def finetuning_figure(finetunings: pd.DataFrame, fold_counts: Mapping[str, int], note: str) -> Figure:
    """Draw RMSE at hidden test points before and after finetuning, and the minutes of training, one column per dataset.

    Args:
        finetunings: what `read_finetunings` returns.
        fold_counts: number of folds of each dataset.
        note: the caption's first sentences, see `style.source_note`.

    Raises:
        InputError: a fold is missing.
    """
    check_folds(finetunings, fold_counts, "finetuning figure")
    figure, panels = dataset_panels(list(fold_counts), rows=2, row_mm=38, extra_mm=10)
    for dataset, (errors, times) in zip(fold_counts, panels, strict=True):
        rows = finetunings[finetunings["dataset"] == dataset]
        sizes = sorted(rows["spc"].unique())
        errors.set_title(dataset)
        for shift, name, style in ((-0.08, "before", BEFORE), (0.08, "after", AFTER)):
            _draw(errors, rows, name, shift, style)
        places = np.arange(len(sizes))
        errors.hlines(rows.groupby("spc")["window_mean"].mean(), places - 0.3, places + 0.3, **MEAN)
        _draw(times, rows, "minutes", 0, MINUTES)
        times.set_ylim(0, max(1.1 * times.get_ylim()[1], 0.01))  # markers stand inside the panel
        if rows["minutes"].isna().all():
            times.text(0.5, 0.5, "not known: resumed jobs", transform=times.transAxes, ha="center", va="center")
        for axis in (errors, times):
            axis.set_xticks(range(len(sizes)), sizes)
            axis.set_xlim(-0.4, len(sizes) - 0.6)
        times.set_xlabel("Samples per class")
    for first in panels[::COLUMNS]:
        for axis, label in zip(first, ("RMSE at hidden\npoints (mag)", "Finetuning (min)"), strict=True):
            axis.set_ylabel(label)
    handles = [marker_handle("pretrained", *BEFORE), marker_handle("finetuned", *AFTER)]
    handles.append(marker_handle("mean of the visible points", MEAN["color"], "", ls=":"))
    figure.legend(handles=handles, loc="outside upper center", ncols=3)
    figure.align_ylabels(panels[0])
    add_caption(figure, f"{note} {folds_note(fold_counts)} {_explanation(finetunings, fold_counts)}")
    return figure


def _draw(axis: Axes, rows: pd.DataFrame, name: str, shift: float, style: tuple[str, str]) -> None:
    averaged = rows.groupby("spc")[name].agg(["mean", "std"])
    draw_points(axis, np.arange(len(averaged)) + shift, averaged, *style)


def _explanation(finetunings: pd.DataFrame, fold_counts: Mapping[str, int]) -> str:
    windows = finetunings.groupby("dataset")["windows"].agg(["min", "max"])
    counted = ", ".join(f"{name} {count_range(*windows.loc[name])}" for name in fold_counts)
    unknown = int(finetunings["minutes"].isna().sum())
    resumed = f" Without the {unknown} jobs that were killed and resumed." if unknown else ""
    return (
        "RMSE of test windows at points hidden from the encoder, the same points before and after; axes are cut. "
        f"Test windows per fold: {counted}. Minutes: training and validation on this machine.{resumed} (Published: "
        "RMSE of visible points, which the encoder is given.)"
    )
