"""What the figures get from the configuration."""

from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from workflow_run import ROOT, TINY

from astromer.config.run import read_run


@pytest.fixture
def values():
    """Return the functions of the figures' rule files for a run with these encoders and surveys."""

    def of(surveys=None, **encoders):
        content = yaml.safe_load(TINY.read_text())
        for survey in content["surveys"].values():
            survey |= {"format": "simulated", "simulated": {"style": "macho", **survey["simulated"]}}
        content["surveys"] |= surveys or {}
        content["encoders"] = encoders or content["encoders"]
        names = {"RUN": read_run(content), "workflow": SimpleNamespace(basedir=ROOT), "Path": Path}
        for name in ("figure_inputs", "figure_table"):  # plain Python, without rules
            exec((ROOT / f"rules/{name}.smk").read_text(), names)
        return names

    return of


UNTRAINED = {"training": {"epochs": 0}}


@pytest.mark.parametrize(
    ("encoders", "labels"),
    [
        ({"one": {"architecture": "v1"}, "two": {"architecture": "v2"}}, ["A1", "A2"]),
        ({"one": {"architecture": "v2"}, "two": {"architecture": "v2"}}, ["one", "two"]),
        ({"one": {"architecture": "v2"}, "two": {"architecture": "v2", **UNTRAINED}}, ["A2", "two"]),
        ({"one": {"architecture": "v2", **UNTRAINED}}, ["one"]),
    ],
)
def test_only_a_trained_encoder_has_the_name_of_the_paper(values, encoders, labels):
    assert values(**encoders)["encoder_labels"]() == dict(zip(encoders, labels, strict=True))


def test_the_masking_is_that_of_the_first_trained_encoder(values):
    names = values(one={"architecture": "v2", "variant": "released"}, two={"architecture": "v2"})
    (figure,) = [figure for figure in names["FIGURES"] if figure.name == "masking"]
    assert "variant" in figure.parameters
    assert names["VALUES"]["variant"](None) == "released"


@pytest.mark.parametrize(
    ("simulated", "figures"),
    [
        ("sim_macho", {"curves", "fig02", "fig12", "fig13", "fig_claims", "masking"}),
        ("sim_atlas", {"fig02", "fig_claims"}),
    ],
)
def test_a_figure_is_of_simulated_stars_where_it_shows_or_learned_from_them(values, simulated, figures):
    """The encoder learns from `sim_macho`; figures of one dataset are those of `sim_macho`."""
    real = {name: {"format": "macho", "source": "dump"} for name in {"sim_macho", "sim_atlas"} - {simulated}}
    names = values(surveys=real)
    wildcards = SimpleNamespace(dataset="sim_macho", encoder="v2_tiny", get=lambda name: None)
    of_figures = {figure.name: names["simulated_behind_figure"](figure)(wildcards) for figure in names["FIGURES"]}
    for name in ("curves", "fig02", "fig12", "fig13", "fig_claims", "masking"):
        assert of_figures[name] == ([simulated] if name in figures else []), name
