"""Encoders: architecture, masking, training, and published weights."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Discriminator, Field, Tag, model_validator

from astromer.config.section import UNION_TAG, Distinct, Fraction, Positive, Section, Sha256, Share, Url, Variant

DEFAULT_WINDOW = 200  # observations (Sect. 3)


class Masking(Section):
    """Masking of observations in pretraining (Sect. 3.1)."""

    probed: Fraction = Field(0.5, description="Fraction of a window's observations that are in the loss.")
    same: Fraction = Field(0.2, description="Fraction of the probed observations that stay visible and unchanged.")
    random: Fraction = Field(
        0.2,
        description="Fraction of the other probed observations that are shown with another magnitude of the window.",
    )


# v1: Astromer 1 (Donoso-Oliva et al. 2023, A&A 670, A54). v2: Astromer 2.
ARCHITECTURES = {
    "v1": {"num_blocks": 2, "feedforward_dim": 128, "residual": False},
    "v2": {"num_blocks": 6, "feedforward_dim": 512, "residual": True},
}


class Encoder(Section):
    """An encoder that the run pretrains; the defaults are those of the paper."""

    architecture: Literal["v1", "v2"] = Field(description="v1 is Astromer 1, v2 is Astromer 2.")
    variant: Variant = Field(
        "paper",
        description="`paper` removes hidden magnitudes from the input; `released` repeats the behaviour of the "
        "released code, in which they leak.",
    )
    num_blocks: Positive | None = Field(
        None, description="Attention blocks; null for the architecture's default (v1 2, v2 6)."
    )
    num_heads: Positive = Field(4, description="Attention heads of each block.")
    head_dim: Positive = Field(64, description="Width of a head; the blocks are `num_heads` times as wide.")
    feedforward_dim: Positive | None = Field(
        None, description="Hidden width of the feed-forward part; null for the architecture's default (v1 128, v2 512)."
    )
    embedding_dim: Annotated[int, Field(ge=2, multiple_of=2)] | None = Field(
        None,
        description="Width of the input embedding, half sines and half cosines; null for the width of the blocks.",
    )
    residual: bool | None = Field(
        None,
        description="Residual connections through dense layers around attention and feed-forward; null for the "
        "architecture's default (v1 no, v2 yes).",
    )
    dropout: float = Field(0.0, ge=0, lt=1, description="Fraction of the activations dropped in training.")

    @model_validator(mode="before")
    @classmethod
    def _fill_in(cls, content: Any) -> Any:
        """Replace null by the default of the architecture."""
        if not isinstance(content, Mapping):
            return content
        content = dict(content)
        architecture = content.get("architecture")
        for key, default in (ARCHITECTURES.get(architecture, {}) if isinstance(architecture, str) else {}).items():
            if content.get(key) is None:
                content[key] = default
        if content.get("embedding_dim") is None:
            widths = [content.get(key, cls.model_fields[key].default) for key in ("num_heads", "head_dim")]
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
        return self.num_heads * self.head_dim

    @property
    def ignores_padding(self) -> bool:
        """Whether outputs at real points do not depend on padding; the released Astromer 1 attends to it."""
        return (self.architecture, self.variant) != ("v1", "released")


class EncoderConfig(Encoder):
    """Definition of an encoder, which is written beside its weights."""

    window: int = Field(
        DEFAULT_WINDOW, ge=1, description="Observations of a window in training; the model accepts any length."
    )


class ImportedEncoder(Section):
    """An encoder with published weights, which is not pretrained."""

    weights: str = Field(description="Name of the weights, a key of the section `weights`.")
    variant: Variant = Field(
        "released",
        description="Variant of the model for the weights, see docs/variants.md; they were trained as `released`.",
    )


class Weights(Section):
    """A file of published weights on the network."""

    architecture: Literal["v1", "v2"] = Field(description="v1 is Astromer 1, v2 is Astromer 2.")
    description: str = Field("", description="Description for readers.")
    url: Url = Field(description="Address of the file.")
    file: str = Field(description="Name under which it is kept, in `results/downloads` or in the mirror.")
    sha256: Sha256 = Field(description="Checksum of the file, hexadecimal.")
    bytes: Positive | None = Field(None, description="Size of the file.")
    licence: str = Field("", description="Terms of use.")
    citation: str = Field("", description="Publication to cite.")


class Training(Section):
    """Training with Adam and early stopping; the weights of the best epoch are kept."""

    learning_rate: float = Field(0.001, gt=0, description="Learning rate of Adam; with a warm-up, its peak.")
    batch_size: Positive = Field(64, description="Windows per batch.")
    epochs: Positive = Field(1000, description="Maximum number of epochs.")
    patience: Positive = Field(20, description="Epochs without a lower validation loss after which training stops.")


class EncoderTraining(Training):
    """Training of an encoder with Adam(0.9, 0.98, 1e-9)."""

    warmup_steps: int = Field(
        0,
        ge=0,
        description="Optimizer steps of a linear warm-up to `learning_rate`, followed by inverse-square-root decay; 0 "
        "keeps the rate constant.",
    )
    time_shift: float = Field(
        0.0,
        ge=0,
        description="Maximum random shift of all times of a training window, in either direction [days]. Times are "
        "relative to their mean, so this varies the phase of their encoding. 0 disables the shift.",
    )


class Pretraining(Section):
    """Learning from light curves without labels."""

    surveys: Annotated[list[str], Field(min_length=1), Distinct] = Field(
        description="Surveys whose objects are used, except for the test objects of every dataset."
    )
    validation_fraction: Share = Field(0.2, description="Fraction of the objects for early stopping.")
    test_fraction: Share = Field(
        0.1, description="Fraction of the objects on which the reconstruction is scored at the end."
    )
    training: EncoderTraining = Field(EncoderTraining(), description="How the encoders are trained.")


class Devices(Section):
    """Precision, compilation and determinism; the defaults are the same for CPU and GPU."""

    mixed_precision: bool = Field(
        False, description="Compute in bfloat16, keep weights and losses in float32; worth it on recent GPUs."
    )
    xla: bool = Field(
        False,
        description="Compile training steps with XLA: slower on a CPU, and one compilation per shape of a batch.",
    )
    deterministic: bool = Field(
        True, description="Use deterministic GPU kernels, so that the same run gives the same tables."
    )


def _origin_of(encoder: Any) -> str:
    imported = "weights" in encoder if isinstance(encoder, Mapping) else isinstance(encoder, ImportedEncoder)
    return f"{UNION_TAG}imported" if imported else f"{UNION_TAG}trained"


AnyEncoder = Annotated[
    Annotated[Encoder, Tag(f"{UNION_TAG}trained")] | Annotated[ImportedEncoder, Tag(f"{UNION_TAG}imported")],
    Discriminator(_origin_of),
]
