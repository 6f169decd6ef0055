"""Bars of scores, and confusion matrices."""

import numpy as np
import pandas as pd
import pytest
from figure_layout import assert_publishable, caption_of

from astromer.errors import InputError
from astromer.plots.confusion import confusion_figure
from astromer.plots.scores import ablation_figure, model_label

NOTE = "Simulated data, no real stars. Run: demo."
HEADS = ("skip", "max", "avg", "att_avg", "att_cls")
BASELINES = ("raw_gru", "base_gru", "base_avgpool")


def summary_of(models, sizes, folds=3):
    """Summary rows whose mean is smaller the later a model stands in `models`."""
    rows = [
        {
            "dataset": "alcock",
            "spc": size,
            "kind": "head" if model in HEADS else "baseline",
            "encoder": "v2" if model in HEADS else None,
            "state": "frozen" if model in HEADS else None,
            "model": model,
            "level": "object",
            "metric": "f1",
            "class": None,
            "mean": 0.9 - 0.08 * place,
            "std": 0.02 if folds > 1 else None,
            "folds": folds,
            "count_min": 600,
            "count_max": 612,
        }
        for size in sizes
        for place, model in enumerate(models)
    ]
    return pd.DataFrame(rows)


@pytest.mark.parametrize("sizes", [[20], [20, 100], [20, 100, 500], [10, 20, 100, 500]])
@pytest.mark.parametrize("models", [("skip", "raw_gru"), HEADS + BASELINES], ids=["two", "eight"])
def test_every_model_has_a_bar_in_every_panel(models, sizes):
    figure = ablation_figure(summary_of(models, sizes), NOTE, encoders={"v2": "A2"})
    boxes = assert_publishable(figure)
    assert [axis.get_title() for axis in figure.axes] == [f"{size} samples per class" for size in sizes]
    for axis in figure.axes:
        assert [bar.get_width() for bar in axis.patches] == [pytest.approx(0.9 - 0.08 * i) for i in range(len(models))]
        heights = [bar.get_y() for bar in axis.patches]
        assert heights == sorted(heights, reverse=True)
    assert len(boxes["0.900 ± 0.020"]) == len(sizes)
    assert "A2 + Skip" in boxes
    assert "Base (Raw GRU)" in boxes
    assert "Macro F1 per object" in boxes
    assert caption_of(figure) == (
        f"{NOTE} Dataset: alcock. Mean ± sample standard deviation over 3 folds. Test objects in a fold: 600 to 612."
    )


def test_one_fold_has_no_whiskers():
    figure = ablation_figure(summary_of(("skip", "raw_gru"), [20], folds=1), NOTE, encoders={})
    boxes = assert_publishable(figure)
    assert "0.900" in boxes
    assert not figure.axes[0].containers[0].errorbar
    assert "One fold, no error bars." in caption_of(figure)


def test_whiskers_are_the_deviation():
    figure = ablation_figure(summary_of(("skip",), [20]), NOTE, encoders={})
    (whisker,) = figure.axes[0].collections
    np.testing.assert_allclose(whisker.get_segments()[0][:, 0], [0.88, 0.92])


def test_a_model_missing_in_a_panel_is_an_error():
    summary = summary_of(("skip", "max"), [20, 100]).query("model != 'max' or spc != 100")
    with pytest.raises(InputError, match=r"A2 \+ Max: expected the samples per class \[20, 100\], found \[20\]"):
        ablation_figure(summary, NOTE, encoders={"v2": "A2"})


def test_rows_of_several_datasets_and_no_rows_are_errors():
    one = summary_of(("skip",), [20])
    with pytest.raises(InputError, match="one dataset"):
        ablation_figure(pd.concat([one, one.assign(dataset="atlas")]), NOTE, encoders={})
    with pytest.raises(InputError, match="one dataset"):
        ablation_figure(one.head(0), NOTE, encoders={})


def test_labels_of_models():
    assert model_label("skip", "macho", {"macho": "A2"}) == "A2 + Skip"
    assert model_label("own_head", "macho", {}) == "macho + own_head"
    assert model_label("base_avgpool", None, {}) == "Base (MLP)"
    assert model_label("own", None, {}) == "Base (own)"
    assert model_label("skip", "macho", {}, "frozen") == "macho + Skip"
    assert model_label("skip", "macho", {}, "finetuned") == "macho* + Skip"
    assert model_label("features_forest", None, {}) == "Features, forest"


def test_frozen_finetuned_and_control_stand_beside_each_other():
    frozen = summary_of(("skip",), [20])
    finetuned = frozen.assign(state="finetuned")
    control = summary_of(("raw_gru",), [20]).assign(model="wrong_period", kind="control")
    wrong = frozen.assign(state="wrong_period")
    figure = ablation_figure(pd.concat([frozen, finetuned, wrong, control]), NOTE, encoders={"v2": "A2"})
    boxes = assert_publishable(figure)
    assert {"A2 + Skip", "A2* + Skip", "A2? + Skip", "Features, period 1 % wrong", "Control"} <= boxes.keys()
    assert "*: finetuned on the training objects. ?: all periods wrong by 1 %." in caption_of(figure)


def matrices_of(num_classes, sizes, folds):
    rng = np.random.default_rng(0)
    raw = rng.dirichlet(np.full(num_classes, 0.3), (len(sizes), folds, num_classes))
    mixed = 0.5 * raw + 0.5 * np.eye(num_classes)
    return dict(zip(sizes, mixed, strict=True))


@pytest.mark.parametrize(
    ("num_classes", "sizes", "folds"),
    [
        (2, [20], 2),
        (2, [20, 100, 500], 3),
        (3, [20, 100], 2),
        (6, [20, 100], 1),
        (6, [20, 100, 500], 3),
        (10, [20, 100, 500], 3),
        (12, [20, 500], 3),
    ],
)
def test_confusion_panels_hold_means_and_deviations(num_classes, sizes, folds):
    classes = ["RRab", "Cep_0", "EC-ESD/ED", *(f"class {i}" for i in range(9))][:num_classes]
    matrices = matrices_of(num_classes, sizes, folds)
    figure = confusion_figure(matrices, classes, NOTE)
    boxes = assert_publishable(figure)
    assert figure.get_figwidth() * 25.4 <= 180.01
    panels = [axis for axis in figure.axes if axis.get_title()]
    assert [axis.get_title() for axis in panels] == [f"{size} samples per class" for size in sizes]
    for axis, size in zip(panels, sizes, strict=True):
        mean = 100 * matrices[size].mean(axis=0)
        texts = [text for text in axis.texts if not text.get_text().startswith("±")]
        assert [text.get_text() for text in texts] == [f"{value:.0f}" for value in mean[mean >= 0.5]]
        with_spread = len([text for text in axis.texts if text.get_text().startswith("±")])
        assert with_spread == (len(texts) if folds > 1 else 0)
        np.testing.assert_allclose(axis.images[0].get_array(), mean)
    assert all(name in boxes for name in classes)
    assert caption_of(figure).startswith(NOTE)


def test_a_model_that_guesses_is_said_to_be_not_above_chance():
    guessing, good = np.full((2, 2, 2), 0.5), np.stack([np.eye(2)] * 2)
    figure = confusion_figure({20: guessing, 100: good}, ["a", "b"], NOTE)
    assert caption_of(figure).endswith("Not above chance (50%): mean of the diagonal 50% with 20 samples per class.")
    assert "chance" not in caption_of(confusion_figure({100: good}, ["a", "b"], NOTE))


def test_bars_fill_more_than_half_of_the_axis():
    summary = summary_of(("skip", "max"), [20])
    figure = ablation_figure(summary.assign(mean=summary["mean"] / 3), NOTE, encoders={})
    assert figure.axes[0].get_xlim() == pytest.approx((0, 0.4))


def test_many_bars_fit_on_a_page():
    models = [f"head {i}" for i in range(60)]
    summary = summary_of(models, [20, 100, 500])
    summary["mean"] = 0.5
    figure = ablation_figure(summary, NOTE, encoders={})
    assert figure.get_figheight() * 25.4 < 245
    low, high = figure.axes[0].get_ylim()
    assert (low, high) == (-0.7, 59.7), "no empty rows at the ends"


def test_text_of_cells_is_readable_on_their_colour():
    figure = confusion_figure({20: np.array([[[1.0, 0.0], [0.1, 0.9]]])}, ["a", "b"], NOTE)
    assert {text.get_text(): text.get_color() for text in figure.axes[0].texts} == {
        "100": "white",
        "10": "black",
        "90": "white",
    }


def test_a_class_without_objects_is_grey_and_empty():
    matrix = np.array([[[1.0, 0.0], [np.nan, np.nan]]])
    figure = confusion_figure({20: matrix}, ["a", "b"], NOTE)
    assert [text.get_text() for text in figure.axes[0].texts] == ["100"]
    assert "grey" in caption_of(figure)


@pytest.mark.parametrize("matrices", [{}, {20: np.eye(3)}, {20: np.ones((2, 3, 4))}, {20: np.ones((0, 3, 3))}])
def test_matrices_of_the_wrong_shape_are_refused(matrices):
    with pytest.raises(InputError, match="expected"):
        confusion_figure(matrices, ["a", "b", "c"], NOTE)
