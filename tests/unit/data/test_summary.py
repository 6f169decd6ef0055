"""Statistics of light curves, their ranks, and the table of targets beside batches."""

import numpy as np
import polars as pl
import pytest
import tensorflow as tf

from astromer.config.statistics import MAGNITUDE_STATISTICS, PERIOD_CLASSES, STATISTICS
from astromer.data.statistics import (
    light_curve_statistics,
    magnitude_statistics,
    normalised_ranks,
    period_classes,
    period_statistics,
)
from astromer.data.summary import TargetTable
from astromer.data.targets import summary_targets
from astromer.errors import InputError
from astromer.evaluation.features import features_of
from astromer.stages.features import write_summary_targets


def stars(count=6, points=60):
    rng = np.random.default_rng(0)
    tables = []
    for number in range(count):
        mjd = np.sort(rng.uniform(0, 400, points))
        mag = 12 + (number + 1) * np.sin(2 * np.pi * mjd / (2 + number)) + rng.normal(0, 0.1, points)
        tables.append(pl.DataFrame({"id": [f"s{number}"] * points, "mjd": mjd, "mag": mag, "err_mag": [0.1] * points}))
    return pl.concat(tables)


def test_magnitude_statistics_have_one_name_each_and_follow_the_spread():
    rng = np.random.default_rng(1)
    magnitudes, errors = rng.normal(12, 0.3, 5000), np.full(5000, 0.1)
    values = dict(zip(MAGNITUDE_STATISTICS, magnitude_statistics(magnitudes, errors), strict=True))
    assert values["std"] == pytest.approx(0.3, rel=0.05)
    assert values["p95"] == pytest.approx(0.3 * 1.645, rel=0.1)
    assert abs(values["skew"]) < 0.1
    assert values["beyond_1_std"] == pytest.approx(0.317, abs=0.03)


def test_harmonics_of_a_known_series_are_found():
    times = np.sort(np.random.default_rng(2).uniform(0, 100, 300))
    magnitudes = 0.5 * np.cos(2 * np.pi * times / 3) + 0.1 * np.cos(4 * np.pi * times / 3)
    values = dict(zip(STATISTICS[15:], period_statistics(times, magnitudes, 3.0, 9.0), strict=True))
    assert values["log_amplitude"] == pytest.approx(np.log10(0.5), abs=1e-3)
    assert values["r21"] == pytest.approx(0.2, abs=1e-3)
    assert values["cos_phi21"] == pytest.approx(1.0, abs=1e-3)
    assert values["residual"] < 1e-6
    assert values["eta_folded"] < 0.01 < values["eta"]


@pytest.mark.parametrize("points", [1, 2, 4])
def test_short_and_constant_light_curves_have_finite_statistics(points):
    curve = (np.arange(points) * 1.0, np.full(points, 10.0), np.full(points, 0.1))
    assert np.isfinite(light_curve_statistics([curve])).all()


def test_ranks_have_mean_0_and_variance_1_and_ignore_the_scale():
    values = np.random.default_rng(3).lognormal(size=(1000, 2))
    ranks = normalised_ranks(values, values)
    np.testing.assert_allclose(ranks.mean(axis=0), 0, atol=1e-3)
    np.testing.assert_allclose(ranks.var(axis=0), 1, atol=1e-2)
    np.testing.assert_array_equal(ranks, normalised_ranks(np.log(values), np.log(values)))


def test_period_classes_are_clipped_to_their_range():
    classes = period_classes(np.log10([0.01, 0.05, 10, 2999, 9999]))
    assert classes.tolist()[:2] == [0, 0]
    assert classes.tolist()[3:] == [PERIOD_CLASSES - 1] * 2


def test_targets_of_held_out_stars_leave_those_of_training_stars_alone():
    statistics = features_of(stars())
    reference = ["s0", "s1", "s2", "s3"]
    alone = summary_targets(statistics.filter(pl.col("id").is_in(reference)), reference)
    together = summary_targets(statistics, reference)
    assert together["id"].to_list() == [f"s{i}" for i in range(6)]
    np.testing.assert_array_equal(alone["statistics"].to_numpy(), together["statistics"].to_numpy()[:4])
    with pytest.raises(InputError, match="training stars"):
        summary_targets(statistics, ["other"])


@pytest.mark.parametrize("id_spaces", [{}, {"one": "catalogue", "other": "catalogue"}])
def test_one_id_in_two_surveys_is_one_star_only_in_a_common_id_space(id_spaces, tmp_path):
    statistics, paths = features_of(stars()), [tmp_path / name for name in ("one.parquet", "other.parquet")]
    for path in paths:
        statistics.write_parquet(path)
    split, targets = tmp_path / "split.parquet", tmp_path / "targets.parquet"
    pl.DataFrame({"id": ["s0", "s1"], "subset": "train"}).write_parquet(split)
    call = {"surveys": ["one", "other"], "id_spaces": id_spaces}
    if id_spaces:
        write_summary_targets(paths, split, targets, **call)
        assert pl.read_parquet(targets)["id"].to_list() == statistics["id"].to_list()
    else:
        with pytest.raises(InputError, match="the surveys one and other both have an object s0; expected one"):
            write_summary_targets(paths, split, targets, **call)


def test_targets_stand_beside_the_windows_of_their_stars(tmp_path):
    targets = summary_targets(features_of(stars()), [f"s{i}" for i in range(6)])
    targets.write_parquet(tmp_path / "targets.parquet")
    table = TargetTable(tmp_path / "targets.parquet")
    batch = table.add_to({"id": tf.constant(["s4", "s0"])})
    np.testing.assert_array_equal(batch["statistics"], targets["statistics"].to_numpy()[[4, 0]])
    np.testing.assert_array_equal(batch["period_class"], targets["period_class"].to_numpy()[[4, 0]])
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"targets\.parquet"):
        table.add_to({"id": tf.constant(["unknown"])})
