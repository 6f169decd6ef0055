"""Encoders and classifier to apply to whole surveys, labelled or not."""

from typing import Annotated, Literal

from pydantic import Field

from astromer.config.section import Distinct, Positive, Section, Share


class Application(Section):
    """Embeddings of every object of the run's surveys, and class probabilities by one of its classifiers."""

    surveys: Annotated[list[str], Distinct] = Field(
        [],
        description="Further surveys to which encoders and classifier are applied, besides those for pretraining and "
        "of the datasets. They need no classes.",
    )
    encoder: str | None = Field(None, description="Encoder of the classifier; null for the run's first.")
    state: Literal["frozen", "finetuned"] = Field(
        "frozen", description="Whether the encoder is as it was pretrained, or finetuned for each fold."
    )
    dataset: str | None = Field(
        None,
        description="Dataset that the classifier has learned from, an ensemble over its folds; null for the first.",
    )
    spc: Positive | None = Field(None, description="Samples per class of the classifier; null for the largest.")
    classifier: str | None = Field(
        None,
        description="Name of a head, `forest` or `logistic` of `classification.probes`, or `fused`; null for the first "
        "head, or without heads the first probe.",
    )
    coverage: Share = Field(
        0.9,
        description="Fraction of objects whose prediction set should contain their class, if they are drawn as the "
        "validation objects are: equally many of each class.",
    )
