"""Calibration: figure and notebook."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from figure_layout import assert_publishable, caption_of
from notebook_run import assert_written, files_of, run_cells

from astromer.errors import InputError
from astromer.evaluation.predictions import of_classifier, predictions_table
from astromer.plots.calibration import calibration_figure, read_calibrations

CLASSES = ["EC", "LPV", "RRab"]
CLASSIFIERS = {
    "sure": {"model": "skip", "encoder": "v2", "state": "finetuned", "subset": "validation"},
    "good": {"model": "features_forest", "encoder": None, "state": None, "subset": "held_out"},
}
LABELS = {"sure": "v2* + Skip", "good": "Features, forest"}


def predictions_of(sharpness, seed, size=300):
    """Objects whose class has the probabilities themselves, which are then made surer by `sharpness`."""
    rng = np.random.default_rng(seed)
    true = rng.dirichlet(np.full(3, 0.7), size)
    labels = np.array([rng.choice(3, p=row) for row in true])
    told = true**sharpness
    told /= told.sum(axis=1, keepdims=True)
    return predictions_table([f"star {i}" for i in range(size)], np.zeros(size), labels, told, CLASSES)


@pytest.fixture
def files(tmp_path):
    """One classifier that is three times too sure, and one that says what it knows."""
    paths = {}
    for (name, one), sharpness in zip(CLASSIFIERS.items(), (3.0, 1.0), strict=True):
        tables = [
            of_classifier(
                predictions_of(sharpness, 10 * fold + k), model=one["model"], fold=fold, spc=20, subset=subset
            )
            for fold in range(2)
            for k, subset in enumerate(("test", one["subset"]))
        ]
        paths[name] = str(tmp_path / f"{name}.parquet")
        pl.concat(tables).write_parquet(paths[name])
    return paths


def test_a_classifier_that_is_too_sure_is_below_the_line_and_scaled_back_to_it(files):
    measured = read_calibrations(files, CLASSIFIERS, CLASSES, [0, 1], 20)
    scores = measured.scores.groupby("classifier").mean()
    assert scores["temperature"].to_dict() == pytest.approx({"sure": 3, "good": 1}, rel=0.25)
    assert scores.loc["sure", "ece"] > 2 * scores.loc["sure", "ece_scaled"]
    asked = measured.sets.groupby("nominal")["coverage"].mean()
    np.testing.assert_allclose(asked, asked.index, atol=0.05)

    figure = calibration_figure(measured, LABELS, 3, "Real data. Run: asas.")
    assert_publishable(figure)
    sure, good, covered, sizes = figure.axes
    assert [axis.get_title().split("\n")[0] for axis in (sure, good)] == list(LABELS.values())
    for axis in (sure, good):
        share = sum(bar.get_height() for bar in axis.patches)
        assert share == pytest.approx(1)
        assert all(bar.get_y() == 0 for bar in axis.patches)
    confidence, accuracy = sure.containers[1].lines[0].get_data()
    assert (accuracy[-4:] < confidence[-4:] - 0.05).all()
    assert len(covered.containers) == len(sizes.containers) == 2
    assert caption_of(figure).startswith("Real data. Run: asas. 300 test objects per fold.")


@pytest.mark.parametrize("number", [1, 3, 6])
def test_one_to_six_classifiers_fit(files, number):
    names = [f"classifier {i}" for i in range(number)]
    same = dict.fromkeys(names, CLASSIFIERS["good"])
    measured = read_calibrations(dict.fromkeys(names, files["good"]), same, CLASSES, [0, 1], 20)
    figure = calibration_figure(measured, {name: f"astromer-mini + {name}" for name in names}, 3, "Real data.")
    assert_publishable(figure)
    assert len(figure.axes) == number + 2


def test_a_missing_fold_and_foreign_classes_are_named(files):
    with pytest.raises(
        InputError, match=r"sure\.parquet: skip, fold 2, 20 samples per class, seed 0, test: .* no rows"
    ):
        read_calibrations(files, CLASSIFIERS, CLASSES, [0, 1, 2], 20)
    with pytest.raises(InputError, match=r"sure\.parquet: .*expected the columns .*p_Mira"):
        read_calibrations(files, CLASSIFIERS, [*CLASSES, "Mira"], [0, 1], 20)


def test_notebook(files, tmp_path):
    written = files_of(tmp_path / "out 1", "fig_calibration")
    given = {"calibrated": files, "calibrated_classifiers": CLASSIFIERS, "encoders": {"v2": "A2"}, "classes": CLASSES}
    given |= {"folds": [0, 1], "spc": [10, 20], "dataset": "sim", "is_simulated": False, "seed": 3, "run": "test"}
    variables = run_cells("fig_calibration", given | written)
    assert_written(written)
    assert caption_of(variables["figure"]).startswith(
        "Real data. Run: test, seed 3. Dataset: sim, 20 samples per class."
    )
    table = pd.read_csv(written["table"])
    assert len(table) == 2 * 2 * 6
    assert {"temperature", "ece", "ece_scaled", "nominal", "coverage", "set_size"} <= set(table.columns)
