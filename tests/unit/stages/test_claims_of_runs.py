"""Which claims the runs in `config/` make, and what is equal in the two that repeat the paper."""

from pathlib import Path

import pytest
import yaml

from astromer.config.run import Run, read_run
from astromer.stages.claims import Model, statements

CONFIG = Path(__file__).resolve().parents[3] / "config"
OF_THE_PAPER = {"newer encoder above Astromer 1", "encoder above raw input", "finetuning helps"}
OURS = {
    "pretraining above random weights",
    "encoder above statistics",
    "encoder above period",
    "encoder above features",
    "encoder with features above features",
}


def read(name: str) -> Run:
    content = {}
    for file in (name, "surveys.yaml", "weights.yaml"):
        content |= yaml.safe_load((CONFIG / file).read_text())
    return read_run(content)


def claims_of(run: Run, dataset: str) -> set[str]:
    """The claims about a dataset of a run in which every classifier was trained."""
    section = run.classification
    models = [
        Model(encoder, state, model)
        for encoder in run.encoders
        for state in run.states_of(encoder)
        for model in (*section.heads, *section.probe_models)
    ]
    models += [Model(None, None, model) for model in (*section.baselines, *section.control_models)]
    encoders = {name: run.summary_of(name) for name in run.encoders}
    made = statements(models, run.datasets[dataset].spc, encoders, next(iter(section.heads)))
    return {statement.claim for statement in made}


@pytest.mark.parametrize("name", ["asas.yaml", "paper.yaml", "paper_published.yaml"])
def test_every_claim_is_made(name):
    run = read(name)
    for dataset, section in run.datasets.items():
        sizes = {f"{min(section.spc)} samples per class above Astromer 1 with {max(section.spc)}"}
        expected = OF_THE_PAPER | OURS | (sizes if len(section.spc) > 1 else set())
        if name == "paper_published.yaml":
            expected = expected - {"pretraining above random weights"}  # no imported encoder has an untrained twin
        assert claims_of(run, dataset) == expected


def test_the_default_run_makes_every_claim_without_astromer_1():
    run = read("config.yaml")
    for dataset in run.datasets:
        assert claims_of(run, dataset) == (OF_THE_PAPER | OURS) - {"newer encoder above Astromer 1"}


def test_the_run_with_published_encoders_is_otherwise_that_of_the_paper():
    paper, other = read("paper.yaml"), read("paper_published.yaml")
    for section in ("seed", "window", "masking", "datasets", "finetuning", "classification"):
        assert getattr(paper, section) == getattr(other, section), section
    assert {paper.role_of(name) for name in paper.datasets} == {"in-domain", "out-of-domain"}
    assert set(paper.encoders) == set(other.encoders)
