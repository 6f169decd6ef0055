"""Encoders: architecture, and published weights."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self, cast

from pydantic import Discriminator, Field, Tag, model_validator

from astromer.config.section import UNION_TAG, Inside, Positive, Section, Seed, Sha256, Url, Variant
from astromer.config.training import EncoderTraining

DEFAULT_WINDOW = 200  # observations (Sect. 3)


# v1: Astromer 1 (Donoso-Oliva et al. 2023, A&A 670, A54). v2: Astromer 2. v3: this project's, see docs/encoder.md.
PAPER = {
    "head_dim": 64,
    "scale": False,
    "scaled_loss": False,
    "phase": False,
    "summary_weight": 0.0,
}
ARCHITECTURES = {
    "v1": {"num_blocks": 2, "feedforward_dim": 128, "residual": False},
    "v2": {"num_blocks": 6, "feedforward_dim": 512, "residual": True},
    "v3": {
        "num_blocks": 3,
        "head_dim": 32,
        "feedforward_dim": 256,
        "residual": True,
        "scale": True,
        "scaled_loss": True,
        "phase": True,
        "summary_weight": 1.0,
    },
}
Architecture = Literal["v1", "v2", "v3"]
ARCHITECTURE_DESCRIPTION = (
    "v1 is Astromer 1, v2 Astromer 2, v3 this project's: v2 with scale, phase and summary objective."
)


class Encoder(Section):
    """An encoder that the run pretrains; the defaults are those of the paper."""

    architecture: Architecture = Field(description=ARCHITECTURE_DESCRIPTION)
    variant: Variant = Field(
        "paper",
        description="`paper` removes hidden magnitudes from the input; `released` repeats the behaviour of the "
        "released code, in which they leak.",
    )
    num_blocks: Positive | None = Field(
        None, description="Attention blocks; null for the architecture's default (v1 2, v2 6, v3 3)."
    )
    num_heads: Positive = Field(4, description="Attention heads of each block.")
    head_dim: Positive | None = Field(
        None,
        description="Width of a head; the blocks are `num_heads` times as wide; null for the architecture's default "
        "(v1 and v2 64, v3 32).",
    )
    feedforward_dim: Positive | None = Field(
        None,
        description="Hidden width of the feed-forward part; null for the architecture's default (v1 128, v2 512, "
        "v3 256).",
    )
    embedding_dim: Annotated[int, Field(ge=2, multiple_of=2)] | None = Field(
        None,
        description="Width of the input embedding, half sines and half cosines; null for the width of the blocks.",
    )
    residual: bool | None = Field(
        None,
        description="Residual connections through dense layers around attention and feed-forward; null for the "
        "architecture's default (v1 no, v2 and v3 yes).",
    )
    dropout: float = Field(0.0, ge=0, lt=1, description="Fraction of the activations dropped in training.")
    scale: bool | None = Field(
        None,
        description="Divide the magnitudes of a window by the standard deviation of its visible ones, whose logarithm "
        "is an input, and scale predictions back; null for the architecture's default (v3 yes).",
    )
    scaled_loss: bool | None = Field(
        None,
        description="Measure errors of reconstruction in units of that standard deviation instead of mag; null for the "
        "architecture's default (v3 yes).",
    )
    phase: bool | None = Field(
        None,
        description="Show the encoder each point's phase, the period and its signal-to-noise: in pretraining from the "
        "points that are not probed, for embedding from the whole light curve; null for the architecture's default "
        "(v3 yes).",
    )
    num_periods: Positive = Field(
        1, description="With `phase`, the number of periods that are shown: those of the best peaks of the periodogram."
    )
    time_encoding: Literal["paper", "log"] = Field(
        "paper",
        description="Rates of the encoding of times: the paper's, or periods of 0.1 to 3000 days, evenly spaced in "
        "their logarithm.",
    )
    summary_weight: float | None = Field(
        None,
        ge=0,
        description="Weight of the summary objective beside reconstruction: the pooled representation predicts "
        "statistics and period of the star; 0 for none, null for the architecture's default (v3 1).",
    )

    @model_validator(mode="before")
    @classmethod
    def _fill_in(cls, content: Any) -> Any:
        """Replace null by the default of the architecture."""
        if not isinstance(content, Mapping):
            return content
        content = dict(content)
        architecture = content.get("architecture")
        defaults = ARCHITECTURES.get(architecture, {}) if isinstance(architecture, str) else {}
        for key, default in (PAPER | defaults).items():
            if content.get(key) is None:
                content[key] = default
        if content.get("embedding_dim") is None:
            widths = [content.get("num_heads", cls.model_fields["num_heads"].default), content["head_dim"]]
            if all(isinstance(width, int) and width >= 1 for width in widths) and widths[0] * widths[1] % 2 == 0:
                content["embedding_dim"] = widths[0] * widths[1]
        return content

    @model_validator(mode="after")
    def _has_an_even_embedding(self) -> Self:
        if self.embedding_dim is None:
            raise ValueError(f"num_heads * head_dim is {self.dim}; expected an even number, or the key embedding_dim")
        return self

    @property
    def dim(self) -> int:
        """Width of the blocks' outputs."""
        return self.num_heads * cast(int, self.head_dim)  # null is replaced by the default of the architecture

    @property
    def num_shown_periods(self) -> int:
        """Periods of each window that the encoder reads."""
        return self.num_periods if self.phase else 0

    @property
    def ignores_padding(self) -> bool:
        """Whether outputs at real points do not depend on padding; the released Astromer 1 attends to it."""
        return (self.architecture, self.variant) != ("v1", "released")


class EncoderConfig(Encoder):
    """Definition of an encoder, which is written beside its weights."""

    window: int = Field(
        DEFAULT_WINDOW, ge=1, description="Observations of a window in training; the model accepts any length."
    )


FINETUNE = Field(
    True,
    description="Whether heads are also trained on the encoder after its finetuning; they are always trained on the "
    "encoder as it was pretrained.",
)


class TrainedEncoder(Encoder):
    """An encoder that the run pretrains, with its own training if the common one does not suit it."""

    training: EncoderTraining | None = Field(
        None, description="How this encoder is trained; null for `pretraining.training`."
    )
    seed: Seed | None = Field(
        None,
        description="Seed of its initial weights, masks and batches; null for the run's. Encoders that differ in it "
        "alone show what the seed changes.",
    )
    finetune: bool = FINETUNE

    @property
    def definition(self) -> dict[str, Any]:
        """The encoder without its training, as plain values."""
        return {key: value for key, value in self.plain().items() if key in Encoder.model_fields}


PRETRAINED = Path(__file__).parents[1] / "pretrained"
"""Folder of the weights that come with the package."""


class ImportedEncoder(Section):
    """An encoder with published weights, which is not pretrained."""

    weights: str = Field(description="Name of the weights, a key of the section `weights`.")
    variant: Variant | None = Field(
        None,
        description="Variant of the model for weights of the released code, see docs/variants.md; null is `released`, "
        "as which they were trained. Weights of the package record their own.",
    )
    finetune: bool = FINETUNE


class Weights(Section):
    """A file of published weights, on the network or in the package."""

    architecture: Architecture = Field(description=ARCHITECTURE_DESCRIPTION)
    description: str = Field("", description="Description for readers.")
    url: Url | None = Field(None, description="Address of the file; null for weights that come with the package.")
    file: Inside = Field(
        description="Name under which it is kept, in `results/downloads`, in the mirror, or in `astromer/pretrained`."
    )
    sha256: Sha256 = Field(description="Checksum of the file, hexadecimal.")
    stars: Inside | None = Field(
        None,
        description="List of the stars that the weights learned from (survey, id, ra, dec), in `astromer/pretrained`; "
        "null if they are not known.",
    )
    bytes: Positive | None = Field(None, description="Size of the file.")
    licence: str = Field("", description="Terms of use.")
    citation: str = Field("", description="Publication to cite.")

    @property
    def packaged(self) -> Path | None:
        """Path to the file if it comes with the package."""
        return PRETRAINED / self.file if self.url is None else None

    @property
    def star_list(self) -> Path | None:
        """Path to the list of the stars that the weights learned from, if it is known."""
        return PRETRAINED / self.stars if self.stars else None


def _origin_of(encoder: Any) -> str:
    imported = "weights" in encoder if isinstance(encoder, Mapping) else isinstance(encoder, ImportedEncoder)
    return f"{UNION_TAG}imported" if imported else f"{UNION_TAG}trained"


AnyEncoder = Annotated[
    Annotated[TrainedEncoder, Tag(f"{UNION_TAG}trained")] | Annotated[ImportedEncoder, Tag(f"{UNION_TAG}imported")],
    Discriminator(_origin_of),
]
