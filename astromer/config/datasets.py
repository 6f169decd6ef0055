"""Datasets: labelled selections of surveys, their splits, and their classifiers."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from astromer.config.registry import BASELINES, HEADS, check_name, head_arrays, reads_padding
from astromer.config.section import DashedName, Distinct, Inside, Positive, Section, Share, Variant
from astromer.config.training import Training

Role = Literal["in-domain", "out-of-domain"]
Weighting = Literal["objects", "windows"]
FeatureKind = Literal["statistics", "period", "features"]
ClassicalModel = Literal["forest", "logistic"]
Control = Literal["shuffled_labels", "wrong_period"]
FUSED = "fused"
FUSED_FEATURES = "features_forest"  # the classifier whose probabilities it mixes with those on vectors


PROBE_ARRAYS = ("mean", "std", "max", "log_scale")
"""Arrays of `astromer.models.pooling.pool` that make the vector of an object, which classical models read."""


class Splits(Section):
    """Identification of catalogue entries of the same star when sets are drawn."""

    match_radius_arcsec: float = Field(
        2.0,
        ge=0,
        le=600,
        description="Two entries closer than this on the sky are the same star, also across surveys; 0 matches by id "
        "alone.",
    )


class Dataset(Section):
    """A labelled selection of a survey's objects, and the sets that are drawn from it."""

    survey: str = Field(description="The survey that it selects from.")
    classes: Annotated[list[str], Field(min_length=2), Distinct] = Field(
        description="The classes, in the order of the labels; objects of other classes stay out of the dataset."
    )
    role: Role | None = Field(
        None,
        description="Role in the figures of the paper, in which Alcock is in-domain and ATLAS out-of-domain. null: "
        "in-domain if its survey is one of `pretraining.surveys`.",
    )
    sets: Inside | None = Field(
        None,
        description="Table of the sets (CSV in `surveys_dir`; columns fold, spc, subset and id), which are then not "
        "drawn: those of published records, as `astromer sets` lists them. null: the sets are drawn.",
    )
    folds: Positive = Field(3, description="Independent draws of test, training and validation objects (3 in Sect. 4).")
    spc: Annotated[list[Annotated[int, Field(ge=5)]], Field(min_length=1), Distinct] = Field(
        [20, 100, 500],
        description="Samples (objects) per class for training and validation together, split 80/20 (Sect. 4).",
    )
    test_per_class: Positive = Field(
        100, description="Test objects per class and fold, shared by all SPC; if fewer remain, all of them."
    )
    short_classes: Literal["error", "cap"] = Field(
        "error",
        description="Handling of a class with too few objects for the largest SPC: `error`, or `cap` to divide its "
        "objects, with at least half of them for training and validation (see `splits/counts.csv`).",
    )


def _module_in(kind: str, known: tuple[str, ...]) -> Any:
    """Return the type of a module's name in a registry."""
    check = AfterValidator(lambda name: check_name(kind, name, known))
    return Annotated[str, check, Field(json_schema_extra={"enum": list(known)})]


class Head(Section):
    """A classifier on top of an encoder."""

    # The annotation is a call, because its allowed values are the modules found in the folder.
    head: _module_in("head", HEADS) = Field(  # type: ignore[valid-type]
        "skip", description="Its module in `astromer/models/heads/`; by default the one of the entry's name."
    )
    variant: Variant = Field("paper", description="`released` repeats the behaviour of the released code.")
    standardise: bool | None = Field(
        None,
        description="Shift and scale the inputs by the mean and standard deviation of the training windows; null: yes "
        "in `paper`, no in `released`.",
    )
    hidden_units: list[Positive] | None = Field(
        None, description="Widths of the dense layers below the logits; null for `classification.hidden_units`."
    )

    encoder: Literal["frozen", "train"] = Field(
        "frozen",
        description="`frozen`: the head is trained on stored vectors, which takes seconds. `train`: the encoder is "
        "trained together with the head, on the light curves.",
    )

    @property
    def arrays(self) -> tuple[str, ...]:
        """Arrays of `astromer.models.pooling.pool` that it reads."""
        return head_arrays(self.head, self.variant)


class Baseline(Section):
    """A classifier without a pretrained encoder."""

    # As for `Head.head`: the annotation is a call.
    baseline: _module_in("baseline", BASELINES) = Field(  # type: ignore[valid-type]
        "raw_gru", description="Its module in `astromer/models/baselines/`; by default the one of the entry's name."
    )
    variant: Variant = Field("paper", description="`released` repeats the handicap of the released code.")


class HeadTraining(Training):
    """Training of a head: small steps and batches, for a few samples per class."""

    learning_rate: float = Field(0.0001, gt=0, description="Learning rate of Adam.")
    batch_size: Positive = Field(32, description="Windows per batch.")
    patience: Positive = Field(30, description="Epochs without a lower validation loss after which training stops.")


class Calibration(Section):
    """Calibration on the validation objects of networks, and on held-out training objects of classical models."""

    temperature: bool = Field(
        False,
        description="Fit the temperature of least cross-entropy (Guo et al. 2017): `temperature` and `ece_scaled` in "
        "the metrics. The stored probabilities are not scaled.",
    )
    coverage: Share | None = Field(
        None,
        description="Score conformal prediction sets that should contain the class of this fraction of the objects: "
        "`coverage` and `set_size` in the metrics; null for none.",
    )


class Classification(Section):
    """Classifiers on encoders, classifiers on features, and baselines."""

    heads: dict[DashedName, Head] = Field({"skip": Head()}, description="Classifiers on top of encoders, by name.")
    baselines: dict[DashedName, Baseline] = Field(
        {"raw_gru": Baseline()}, description="Classifiers without a pretrained encoder, by name."
    )
    hidden_units: list[Positive] = Field(
        [1024, 512, 256], description="Widths of the dense layers below the logits (released code)."
    )
    gru_units: Positive = Field(256, description="Width of the recurrent layer of the GRU baselines (released code).")
    probes: Annotated[list[ClassicalModel], Distinct] = Field(
        ["logistic"], description="Classical models that are fitted to the vectors of the frozen encoder."
    )
    features: Annotated[list[FeatureKind], Distinct] = Field(
        ["statistics", "features"],
        description="Inputs of classical models without an encoder: `statistics` of the magnitudes alone, the `period` "
        "alone, or all `features`.",
    )
    classical: Annotated[list[ClassicalModel], Distinct] = Field(
        ["forest"], description="Classical models that are fitted to each of `features`."
    )
    fused: bool = Field(
        False,
        description="Mix the probabilities of a random forest on all features with those of a logistic regression on "
        "the encoder's vectors.",
    )
    controls: Annotated[list[Control], Distinct] = Field(
        [],
        description="Controls: `shuffled_labels` gives the training objects each other's labels, `wrong_period` makes "
        "each period wrong by 1 %. Both use a random forest on all features; `wrong_period` also fits the probes to "
        "vectors of encoders that are shown the phases of wrong periods.",
    )
    seeds: Positive = Field(
        1, description="Initialisations of each classifier; more than one show what the seed alone changes."
    )
    weighting: Weighting = Field(
        "objects",
        description="What has equal weight in the loss of heads and baselines: `objects`, or `windows` as in the "
        "released code, in which an object has as much weight as it has windows.",
    )
    calibration: Calibration = Field(
        Calibration(), description="Calibration of probabilities on objects that a classifier did not learn from."
    )
    training: HeadTraining = Field(HeadTraining(), description="How the heads are trained.")
    baseline_training: Training = Field(Training(), description="How the baselines are trained.")

    @property
    def arrays(self) -> list[str]:
        """Arrays that the embeddings contain: those that the heads and the classical models read."""
        probed = PROBE_ARRAYS if self.probe_models else ()
        return sorted({"mean", *probed}.union(*(self.heads[name].arrays for name in self.frozen_heads)))

    @property
    def frozen_heads(self) -> list[str]:
        """Names of the heads on stored vectors."""
        return [name for name, head in self.heads.items() if head.encoder == "frozen"]

    @property
    def joined_heads(self) -> list[str]:
        """Names of the heads that are trained together with their encoder."""
        return [name for name in self.heads if name not in self.frozen_heads]

    def hidden_units_of(self, head: str) -> list[int]:
        """Return the widths of a head's dense layers."""
        own = self.heads[head].hidden_units
        return self.hidden_units if own is None else own

    @property
    def probe_models(self) -> list[str]:
        """Names of the classical models on the vectors of an encoder, the fused one included."""
        return [*self.probes, *([FUSED] if self.fused else [])]

    @property
    def on_encoders(self) -> list[str]:
        """Names of the classifiers on stored vectors: heads, then probes."""
        return [*self.frozen_heads, *self.probe_models]

    @property
    def control_models(self) -> dict[str, tuple[str, str]]:
        """Kind of features and classical model of each classifier without an encoder, by name."""
        models = {f"{kind}_{model}": (kind, model) for kind in self.features for model in self.classical}
        return models | dict.fromkeys(self.controls, ("features", "forest"))

    @property
    def reads_padding(self) -> bool:
        """Whether a head on stored vectors reads the padding of windows."""
        heads = [self.heads[name] for name in self.frozen_heads]
        return any(reads_padding(head.head, head.variant) for head in heads)

    @model_validator(mode="after")
    def _fused_has_its_parts(self) -> Self:
        if self.fused and FUSED_FEATURES not in self.control_models:
            raise ValueError("fused needs a forest on all features: `features` in features, `forest` in classical")
        return self

    @model_validator(mode="after")
    def _names_are_distinct(self) -> Self:
        names = [*self.heads, *self.probe_models, *self.baselines, *self.control_models]
        if twice := [name for name in names if names.count(name) > 1]:
            raise ValueError(f"the name {twice[0]!r} stands for two classifiers; expected different names")
        return self

    @model_validator(mode="before")
    @classmethod
    def _name_modules(cls, content: Any) -> Any:
        """Use the name of an entry as that of its module, unless it names another module."""
        if not isinstance(content, Mapping):
            return content
        content = dict(content)
        for section, key in (("heads", "head"), ("baselines", "baseline")):
            if isinstance(entries := content.get(section), Mapping):
                content[section] = {
                    name: {key: name, **(entry or {})} if isinstance(entry, Mapping | None) else entry
                    for name, entry in entries.items()
                }
        return content
