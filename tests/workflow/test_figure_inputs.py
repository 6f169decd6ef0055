"""Values that the notebooks of figures get from the configuration."""

import pytest
import yaml
from workflow_run import ROOT, TINY

from astromer.config.run import read_run


@pytest.fixture
def values():
    """Return the functions of `rules/figure_inputs.smk` for a run with these encoders."""

    def of(**encoders):
        content = yaml.safe_load(TINY.read_text()) | {"encoders": encoders}
        for survey in content["surveys"].values():
            survey |= {"format": "simulated", "simulated": {"style": "macho", **survey["simulated"]}}
        names = {"RUN": read_run(content)}
        exec((ROOT / "rules/figure_inputs.smk").read_text(), names)  # plain Python, without rules
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
