"""Figures of magnitudes and time steps."""

from functools import partial

import numpy as np
import pytest
from figure_layout import assert_publishable, caption_of

from astromer.errors import InputError
from astromer.evaluation.distributions import count_values
from astromer.plots.distributions import magnitude_figure, time_step_figure

NOTE = "Simulated data, no real stars. Run: demo."
magnitudes = partial(count_values, width=0.01, logarithmic=False, source="test")
steps = partial(count_values, width=0.01, logarithmic=True, source="test")


def normal(mean, spread=1.0, size=20_000):
    return np.random.default_rng(0).normal(mean, spread, size)


@pytest.mark.parametrize(
    ("means", "panels"),
    [
        ({"ASAS": 11, "Hipparcos": 8}, 1),
        ({"ASAS": 11, "Hipparcos": 8, "OGLE": 17}, 1),
        ({"Alcock": -7, "ATLAS": 15, "MACHO": -5}, 2),
        ({f"survey_number_{i}": 10 + i for i in range(8)}, 1),
    ],
)
def test_magnitudes_share_a_panel_unless_far_apart(means, panels):
    figure = magnitude_figure({name: magnitudes(normal(mean)) for name, mean in means.items()}, NOTE)
    boxes = assert_publishable(figure)
    assert len(figure.axes) == panels
    assert [text.split(" (")[0] for text in boxes if "obs.)" in text] == list(means)
    assert "20,000 obs." in "".join(boxes)
    assert caption_of(figure).startswith(NOTE)


def test_densities_have_area_one_and_common_bins():
    surveys = {"a": magnitudes(normal(10)), "b": magnitudes(normal(12, size=3000))}
    figure = magnitude_figure(surveys, NOTE)
    drawn = [patch.get_data() for patch in figure.axes[0].patches if not patch.get_fill()]
    assert len(drawn) == 2
    widths = set()
    for density, edges, _ in drawn:
        assert np.sum(density * np.diff(edges)) == pytest.approx(1)
        widths |= set(np.round(np.diff(edges), 9))
    assert len(widths) == 1
    offset = (drawn[0][1][0] - drawn[1][1][0]) / widths.pop()
    assert offset == pytest.approx(round(offset))


def test_axes_hold_nearly_all_observations():
    values = np.append(normal(10), [30.0])
    low, high = magnitude_figure({"a": magnitudes(values)}, NOTE).axes[0].get_xlim()
    assert 0.998 <= ((values > low) & (values < high)).mean() < 1


@pytest.mark.parametrize(
    "logs",
    [
        {"Alcock": (0.3, 0.35), "MACHO": (0, 0.6), "ATLAS": (-1.7, 0.8)},
        {"nightly": (0, 0.01)},
        {"fast": (-5, 0.5), "slow": (3, 0.5)},
        {f"survey_number_{i}": (i / 2 - 2, 0.5) for i in range(8)},
    ],
)
def test_time_step_boxes(logs):
    histograms = {name: steps(10 ** normal(*log)) for name, log in logs.items()}
    figure = time_step_figure(histograms, NOTE)
    boxes = assert_publishable(figure)
    assert set(logs) <= set(boxes)
    axis = figure.axes[0]
    assert axis.get_xscale() == "log"
    tops = [boxes[name][0].y0 for name in logs]
    assert tops == sorted(tops, reverse=True)
    for patch, histogram in zip(axis.patches, histograms.values(), strict=True):
        left, right = patch.get_path().vertices[:, 0].min(), patch.get_path().vertices[:, 0].max()
        assert (left, right) == (pytest.approx(histogram.quantile(0.25)), pytest.approx(histogram.quantile(0.75)))


def test_zero_steps_are_mentioned():
    histogram = steps(np.ones(5))
    without = time_step_figure({"a": histogram}, NOTE)
    with_zeros = time_step_figure({"a": type(histogram)(**{**vars(histogram), "zeros": 1234})}, NOTE)
    assert "zero" not in caption_of(without)
    assert "Without 1,234 steps of zero." in caption_of(with_zeros)


@pytest.mark.parametrize("draw", [magnitude_figure, time_step_figure])
def test_no_survey_or_an_empty_one_is_an_error(draw):
    with pytest.raises(InputError, match="at least one survey"):
        draw({}, NOTE)
    with pytest.raises(InputError, match="no values"):
        draw({"a": steps(np.empty(0))}, NOTE)
