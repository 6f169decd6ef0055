"""Stage 9: the claims of the paper and of this project, each with a paired interval and a verdict."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from astromer.config.datasets import FUSED
from astromer.evaluation.claims import compare
from astromer.evaluation.predictions import read_predictions
from astromer.files import atomic_path

PROBES = ("logistic", "forest")  # the first that the run has stands for an encoder in comparisons with features
RAW_BASELINE = "raw_gru"
LEARNED_STATES = ("frozen", "finetuned")


class Model(NamedTuple):
    """A classifier of the run; encoder and state are None for one without an encoder."""

    encoder: str | None
    state: str | None
    model: str

    def __str__(self) -> str:
        on = f"{self.encoder} ({self.state}) + " if self.encoder else ""
        return f"{on}{self.model}"


class Statement(NamedTuple):
    """The claim that one classifier scores higher than another, each with its samples per class."""

    claim: str
    first: Model
    second: Model
    first_spc: int
    second_spc: int


def write_claims(
    predictions: Sequence[Path],
    claims: Path,
    *,
    sources: Sequence[Mapping[str, Any]],
    encoders: Mapping[str, Mapping[str, Any]],
    datasets: Mapping[str, Mapping[str, Any]],
    head: str | None,
    seed: int,
) -> None:
    """Compare the classifiers that the claims name, on the same test objects.

    Args:
        predictions: files of predictions of all classifiers of the run.
        claims: written, one row per claim, dataset and SPC: `dataset`, `claim`, `first`, `second`, `first_spc`,
            `second_spc` and the fields of `astromer.evaluation.claims.Claim`. A claim whose classifiers are not part of
            the run has no row.
        sources: for each file `encoder`, `state` (None without an encoder) and `dataset`.
        encoders: by name, `architecture` (of imported weights, too) and `definition`: equal for encoders of the same
            shape; `untrained`.
        datasets: by name, `classes`, `spc`, and the numbers of `folds` and `seeds`.
        head: name of the head that stands for an encoder in the claims of the paper.
        seed: seed of the resamples.
    """
    found = _find_models(predictions, sources)
    rows = []
    for dataset, section in datasets.items():
        models = found.get(dataset, {})
        for statement in statements(list(models), section["spc"], encoders, head):
            first, second = (
                _read_folds(models[model], section, model.model, spc)
                for model, spc in (
                    (statement.first, statement.first_spc),
                    (statement.second, statement.second_spc),
                )
            )
            pairs = [list(zip(*seeds, strict=True)) for seeds in zip(first, second, strict=True)]
            result = compare(pairs, section["classes"], seed=seed)
            named = {**statement._asdict(), "first": str(statement.first), "second": str(statement.second)}
            rows.append({"dataset": dataset, **named, **result._asdict()})
    with atomic_path(claims) as temporary:
        pl.DataFrame(rows, schema=_SCHEMA).write_csv(temporary)


_SCHEMA = {
    "dataset": pl.String,
    "claim": pl.String,
    "first": pl.String,
    "second": pl.String,
    "first_spc": pl.Int64,
    "second_spc": pl.Int64,
    "difference": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "verdict": pl.String,
    "folds": pl.Int64,
    "objects": pl.Int64,
}


def _find_models(predictions: Sequence[Path], sources: Sequence[Mapping[str, Any]]) -> dict[str, dict[Model, Path]]:
    """Return the file of each model by dataset."""
    found: dict[str, dict[Model, Path]] = {}
    for path, source in zip(predictions, sources, strict=True):
        for name in pl.scan_parquet(path).select("model").unique().collect()["model"].sort():
            model = Model(source["encoder"], source["state"], name)
            found.setdefault(source["dataset"], {})[model] = path
    return found


def _read_folds(path: Path, section: Mapping[str, Any], model: str, spc: int) -> list[list[pl.DataFrame]]:
    """Read the predictions of a model for the test objects, by fold and seed."""
    return [
        [
            read_predictions(path, section["classes"], model=model, fold=fold, spc=spc, seed=number)
            for number in range(section["seeds"])
        ]
        for fold in range(section["folds"])
    ]


@dataclass(frozen=True)
class _Claims:
    """The claims about encoders, as pairs of models that may or may not be part of the run."""

    encoders: Mapping[str, Mapping[str, Any]]
    head: str
    probe: str

    @property
    def learned(self) -> list[str]:
        """Names of the encoders that are not controls."""
        return [name for name, encoder in self.encoders.items() if not encoder["untrained"]]

    @property
    def classifiers(self) -> tuple[str, ...]:
        """The head, which the paper compares, and the probe: a claim that is about an encoder is made with either."""
        return tuple(dict.fromkeys((self.head, self.probe)))

    def on(self, encoder: str, classifier: str, state: str = "frozen") -> Model:
        """Return a classifier on an encoder."""
        return Model(encoder, state, classifier)

    def pairs(self) -> Iterator[tuple[str, Model, Model]]:
        """Yield the claims for equal samples per class."""
        for name in self.learned:
            yield from self._about_training(name)
            yield from self._against_features(name)
        for new, old in self.generations():
            for state, model in product(LEARNED_STATES, self.classifiers):
                yield "newer encoder above Astromer 1", self.on(new, model, state), self.on(old, model, state)

    def _about_training(self, name: str) -> Iterator[tuple[str, Model, Model]]:
        for state, model in product(LEARNED_STATES, self.classifiers):
            yield "encoder above raw input", self.on(name, model, state), Model(None, None, RAW_BASELINE)
        for model in self.classifiers:
            yield "finetuning helps", self.on(name, model, "finetuned"), self.on(name, model)
        for other, control in self.encoders.items():
            if control["untrained"] and control["definition"] == self.encoders[name]["definition"]:
                for model in self.classifiers:
                    yield "pretraining above random weights", self.on(name, model), self.on(other, model)

    def _against_features(self, name: str) -> Iterator[tuple[str, Model, Model]]:
        for kind in ("statistics", "period", "features"):
            yield f"encoder above {kind}", self.on(name, self.probe), Model(None, None, f"{kind}_forest")
        yield "encoder with features above features", self.on(name, FUSED), Model(None, None, "features_forest")
        right, wrong = self.on(name, self.probe), self.on(name, self.probe, "wrong_period")
        yield "encoder above itself with periods wrong by 1 %", right, wrong

    def generations(self) -> list[tuple[str, str]]:
        """Pairs of a later encoder and an Astromer 1."""
        older = [name for name in self.learned if self.encoders[name]["architecture"] == "v1"]
        return [(new, old) for new in self.learned if new not in older for old in older]


def statements(
    models: Sequence[Model], sizes: Sequence[int], encoders: Mapping[str, Mapping[str, Any]], head: str | None
) -> Iterator[Statement]:
    """Yield the claims about the models of one dataset."""
    probe = next((name for name in PROBES if any(model.model == name and model.encoder for model in models)), "")
    claims = _Claims(encoders, head or probe, probe or head or "")
    for claim, first, second in claims.pairs():
        if {first, second} <= set(models):
            yield from (Statement(claim, first, second, spc, spc) for spc in sizes)
    fewest, most = min(sizes), max(sizes)
    for new, old in claims.generations() if fewest < most else []:
        for state, model in product(LEARNED_STATES, claims.classifiers):
            first, second = claims.on(new, model, state), claims.on(old, model, state)
            if {first, second} <= set(models):
                yield Statement(f"{fewest} samples per class above Astromer 1 with {most}", first, second, fewest, most)
