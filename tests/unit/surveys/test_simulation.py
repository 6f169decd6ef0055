"""Simulated surveys: reproducible star by star, and alike to the surveys they imitate."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from astromer.errors import InputError
from astromer.surveys.simulation import STYLES, SimulationSpec, shapes, simulate


def make_spec(style: str, /, **changes) -> SimulationSpec:
    classes = list(STYLES[style].classes)
    return replace(SimulationSpec(f"sim-{style}", style, objects=2000, seed=5, classes=classes), **changes)


@pytest.fixture(scope="module", params=list(STYLES))
def survey(request) -> tuple[SimulationSpec, pl.DataFrame, pl.DataFrame]:
    spec = make_spec(request.param)
    return spec, *simulate(spec, range(1024))


def time_steps(observations: pl.DataFrame) -> pl.Series:
    return observations.select(pl.col("mjd").diff().over("id"))["mjd"].drop_nulls()


def scatter_within_bins(magnitudes: np.ndarray, phases: np.ndarray) -> float:
    """Phase dispersion minimisation (Stellingwerf 1978): variance in phase bins over the whole variance."""
    bins = (phases * 20).astype(int)
    within = sum(np.sum((magnitudes[bins == b] - magnitudes[bins == b].mean()) ** 2) for b in np.unique(bins))
    return within / np.sum((magnitudes - magnitudes.mean()) ** 2)


def test_columns_and_values(survey):
    spec, objects, observations = survey
    assert observations.schema == {"id": pl.String, "mjd": pl.Float64, "mag": pl.Float32, "err_mag": pl.Float32}
    assert objects.schema == {
        **dict.fromkeys(("id", "class", "band"), pl.String),
        **dict.fromkeys(("ra", "dec"), pl.Float64),
        "kind": pl.String,
        **dict.fromkeys(("period_days", "amplitude_mag", "epoch_mjd"), pl.Float64),
    }
    assert objects["id"][42] == f"{spec.name}.0000042"
    assert objects["id"].n_unique() == 1024
    assert observations["id"].unique().sort().equals(objects["id"])
    assert observations["id"].is_sorted()
    assert time_steps(observations).min() > 0
    assert observations.select(pl.col("mjd", "mag", "err_mag").is_finite().all()).row(0) == (True, True, True)
    assert observations["err_mag"].min() > 0
    assert observations["err_mag"].max() < 1
    no_period = objects.filter(pl.col("period_days").is_null())
    assert no_period["class"].unique().to_list() == ["Other"]


def test_same_seed_same_stars_other_seed_other_stars(survey):
    spec, objects, observations = survey
    again_objects, again = simulate(spec, range(300))
    assert_frame_equal(again_objects, objects[:300], check_exact=True)
    assert_frame_equal(again, observations.filter(pl.col("id").is_in(again_objects["id"].implode())), check_exact=True)
    _, other = simulate(make_spec(spec.style, seed=6), range(300))
    assert not np.isin(other["mag"], again["mag"]).all()


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("parts", [1, 3, 7])
def test_shards_join_to_the_whole_survey(style, parts):
    spec = make_spec(style, objects=700, mean_observations=60)
    whole = simulate(spec, range(700))
    shards = [simulate(spec, spec.shard(part, parts)) for part in range(parts)]
    for table, pieces in zip(whole, zip(*shards, strict=True), strict=True):
        assert_frame_equal(pl.concat(pieces), table, check_exact=True)


def test_star_depends_on_its_number_alone():
    few = simulate(make_spec("atlas"), [900, 3, 900, 257])
    for table, large in zip(few, simulate(make_spec("atlas", objects=5_000_000), range(1000)), strict=True):
        numbers = large["id"].str.slice(-7).cast(pl.Int64)
        assert_frame_equal(table, large.filter(numbers.is_in([3, 257, 900])), check_exact=True)
    assert few[0]["id"].to_list() == [f"sim-atlas.{k:07d}" for k in (3, 257, 900)]


def test_empty_shard_has_the_columns():
    spec = make_spec("macho", objects=2)
    for empty, full in zip(simulate(spec, spec.shard(0, 5)), simulate(spec, spec.shard(4, 5)), strict=True):
        assert empty.is_empty()
        assert empty.schema == full.schema


@pytest.mark.parametrize("first", [0, 1111])
def test_class_shares_hold_in_every_run_of_stars(first):
    spec = make_spec("macho", classes={"RRab": 6, "RRc": 1, "EC": 3}, mean_observations=10)
    objects, _ = simulate(spec, range(first, first + 200))
    counts = dict(objects["class"].value_counts().iter_rows())
    assert counts == pytest.approx({"RRab": 120, "RRc": 20, "EC": 60}, abs=4)


def test_errors_grow_towards_faint_stars_and_describe_the_scatter(survey):
    spec, objects, observations = survey
    by_brightness = observations.sort("mag")["err_mag"].to_numpy()
    medians = np.array([np.median(decile) for decile in np.array_split(by_brightness, 10)])
    assert np.all(np.diff(medians) >= 0)
    assert medians[-1] > 4 * medians[0]
    assert medians[0] < 2 * STYLES[spec.style].error_floor
    # Two images of one night differ by their noise alone in stars that take more than 80 days for a cycle.
    slow = observations.join(objects.filter(pl.col("period_days") > 80), on="id", how="semi")
    pairs = slow.with_columns(pl.col("mjd", "mag").diff().over("id").name.prefix("step_")).filter(
        pl.col("step_mjd") < 0.3
    )
    deviation = (pairs["step_mag"] / (np.sqrt(2) * pairs["err_mag"])).to_numpy()
    assert np.median(np.abs(deviation)) / 0.6745 == pytest.approx(1.0, abs=0.1)
    assert 0.002 < np.mean(np.abs(deviation) > 5) < 0.02


def test_light_curves_are_coherent_at_the_true_period(survey):
    _, objects, observations = survey
    periodic = observations.join(objects.filter(pl.col("period_days") < 70).drop("class"), on="id", how="inner")
    rng = np.random.default_rng(0)
    ratios: dict[str, list[float]] = {}
    for (kind, _), star in periodic.group_by("kind", "id"):
        mjd, magnitudes = star["mjd"].to_numpy(), star["mag"].to_numpy()
        if star["err_mag"].median() > 0.1 * star["amplitude_mag"][0]:
            continue
        phases = (mjd - star["epoch_mjd"][0]) / star["period_days"][0] % 1.0
        folded = scatter_within_bins(magnitudes, phases)
        ratios.setdefault(kind, []).append(folded / scatter_within_bins(rng.permutation(magnitudes), phases))
    assert set(ratios) == set(objects.filter(pl.col("period_days") < 70)["kind"])
    for kind, values in ratios.items():
        assert np.median(values) < 0.35, kind


@pytest.mark.parametrize(
    ("style", "quartiles", "start", "nights", "observations"),
    [("macho", (0.3, 1.0, 2.0), 48_800, 2_700, (150, 1_700)), ("atlas", (0.0105, 0.016, 0.95), 57_300, 720, (60, 400))],
)
def test_cadence_imitates_the_survey(style, quartiles, start, nights, observations):
    _, table = simulate(make_spec(style), range(768))
    steps = time_steps(table)
    assert [steps.quantile(q) for q in (0.25, 0.5, 0.75)] == pytest.approx(quartiles, rel=0.3)
    assert start <= table["mjd"].min() < start + 20
    assert start + nights - 20 < table["mjd"].max() <= start + nights + 1
    counts = table.group_by("id").len()["len"]
    assert observations[0] < counts.quantile(0.02)
    assert counts.quantile(0.98) < observations[1]
    assert counts.mean() == pytest.approx(STYLES[style].mean_observations, rel=0.15)


@pytest.mark.parametrize(
    ("style", "mode", "lowest", "highest"), [("macho", -4.8, -9.4, -2.5), ("atlas", 16.0, 10.5, 18.8)]
)
def test_magnitudes_imitate_the_survey(style, mode, lowest, highest):
    _, observations = simulate(make_spec(style), range(1024))
    density, edges = np.histogram(observations["mag"], bins=np.arange(lowest, highest, 0.5))
    assert edges[density.argmax()] + 0.25 == pytest.approx(mode, abs=0.6)
    assert lowest < observations["mag"].min()
    assert observations["mag"].max() < highest


@pytest.mark.parametrize("style", STYLES)
def test_shorter_survey_keeps_its_time_steps(style):
    wanted = 0.3 * STYLES[style].mean_observations
    _, observations = simulate(make_spec(style, mean_observations=wanted), range(512))
    assert observations.group_by("id").len()["len"].mean() == pytest.approx(wanted, rel=0.2)
    _, whole = simulate(make_spec(style), range(512))
    assert time_steps(observations).median() == pytest.approx(time_steps(whole).median(), rel=0.15)


def test_stars_lie_on_the_survey_s_sky(survey):
    spec, objects, _ = survey
    sky = STYLES[spec.style].sky
    assert objects["ra"].is_between(*sky.ra).all()
    assert objects["dec"].is_between(*sky.dec).all()
    assert sky.weights().sum() == pytest.approx(1.0)
    positions = np.radians(objects.select("ra", "dec").to_numpy())
    unit = np.stack(
        [np.cos(positions[:, 1]) * f(positions[:, 0]) for f in (np.cos, np.sin)] + [np.sin(positions[:, 1])]
    )
    cosines = unit.T @ unit
    np.fill_diagonal(cosines, -1.0)
    assert np.degrees(np.arccos(cosines.max())) * 3600 > 5


@pytest.mark.parametrize("kind", shapes.KINDS)
def test_templates_have_their_amplitude_and_begin_at_the_extremum(kind):
    drawn = shapes.KINDS[kind](np.random.default_rng(1), 200)
    assert drawn.template.shape == (200, shapes.GRID)
    assert np.all(drawn.period > 0)
    if not drawn.periodic:
        assert not drawn.template.any()
        return
    np.testing.assert_allclose(drawn.template.mean(axis=1), 0.0, atol=1e-12)
    np.testing.assert_allclose(np.ptp(drawn.template, axis=1), drawn.amplitude)
    if "binary" in kind:
        assert np.mean(drawn.template[:, 0] > 0.85 * drawn.template.max(axis=1)) > 0.95
    else:
        np.testing.assert_allclose(drawn.template[:, 0], drawn.template.min(axis=1))


def test_rr_lyrae_rise_faster_than_they_fade():
    rise = {kind: 1.0 - shapes.KINDS[kind](np.random.default_rng(2), 300).template.argmax(axis=1) / shapes.GRID
            for kind in ("rr_lyrae_ab", "rr_lyrae_c")}  # fmt: skip
    assert rise["rr_lyrae_ab"].max() < 0.3
    assert np.median(rise["rr_lyrae_c"]) > 0.35


def test_long_period_variables_differ_from_cycle_to_cycle():
    objects, observations = simulate(make_spec("macho", classes=["LPV"]), range(256))
    star = objects.filter(pl.col("period_days").is_between(80, 120))
    cycle = ((pl.col("mjd") - pl.col("epoch_mjd")) / pl.col("period_days")).floor().alias("cycle")
    heights = (
        observations.join(star, on="id")
        .group_by("id", cycle, "amplitude_mag")
        .agg(pl.len(), height=pl.col("mag").quantile(0.95) - pl.col("mag").quantile(0.05))
        .filter(pl.col("len") >= 30)
        .group_by("id", "amplitude_mag")
        .agg(pl.len(), pl.col("height").std())
        .filter(pl.col("len") >= 5)
    )
    assert len(heights) > 10
    assert (heights["height"] / heights["amplitude_mag"]).median() > 0.1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"style": "gaia"}, "style: 'gaia'"),
        ({"objects": 0}, "objects: 0"),
        ({"objects": 10_000_001}, "objects: 10000001"),
        ({"seed": -1}, "seed: -1"),
        ({"classes": ["RRab", "Mira"]}, "classes: Mira"),
        ({"classes": []}, "classes: expected at least one"),
        ({"classes": {"RRab": 1.0, "RRc": 0.0}}, "positive share"),
        ({"classes": {"RRab": 0.0}}, "positive share"),
        ({"mean_observations": 5000}, "mean_observations: 5000"),
        ({"mean_observations": 0}, "mean_observations: 0"),
    ],
)
def test_wrong_field_is_named(changes, message):
    with pytest.raises(InputError, match=message):
        make_spec("macho", **changes)


def test_stars_and_shards_beyond_the_survey_are_refused():
    spec = make_spec("macho", objects=10)
    for indices in ([10], [-1, 3]):
        with pytest.raises(InputError, match="10 objects of sim-macho"):
            simulate(spec, indices)
    with pytest.raises(InputError, match="part: 3"):
        spec.shard(3, 3)
