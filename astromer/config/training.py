"""Training: masking, optimisation, pretraining, finetuning, and devices."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from astromer.config.section import Distinct, Fraction, Positive, Section, Share


class Masking(Section):
    """Masking of observations in pretraining (Sect. 3.1)."""

    probed: Fraction = Field(0.5, description="Fraction of a window's observations that are in the loss.")
    same: Fraction = Field(0.2, description="Fraction of the probed observations that stay visible and unchanged.")
    random: Fraction = Field(
        0.2,
        description="Fraction of the other probed observations that are shown with another magnitude of the window.",
    )


class Training(Section):
    """Training with Adam and early stopping; the weights of the best epoch are kept."""

    learning_rate: float = Field(0.001, gt=0, description="Learning rate of Adam; with a warm-up, its peak.")
    batch_size: Positive = Field(64, description="Windows per batch.")
    windows_at_once: Positive | None = Field(
        None,
        description="Windows of a batch that a device computes at once, its share of the batch in pieces of this size; "
        "null: all. The gradient is that of the whole batch, in less memory.",
    )
    epochs: Positive = Field(1000, description="Maximum number of epochs.")
    patience: Positive = Field(20, description="Epochs without a lower validation loss after which training stops.")


class EncoderTraining(Training):
    """Training of an encoder with Adam(0.9, 0.98, 1e-9)."""

    epochs: int = Field(
        1000, ge=0, description="Maximum number of epochs; 0 keeps the initial weights, for an untrained control."
    )
    warmup_steps: int = Field(
        0,
        ge=0,
        description="Optimizer steps of a linear warm-up to `learning_rate`, followed by `decay`; 0 disables it, and "
        "with `inverse_sqrt` keeps the rate constant.",
    )
    decay: Literal["inverse_sqrt", "cosine"] = Field(
        "inverse_sqrt", description="Decay of the learning rate after the warm-up; `cosine` reaches 0 at `decay_steps`."
    )
    decay_steps: Positive | None = Field(
        None, description="Optimizer steps, including the warm-up, after which a cosine decay reaches 0."
    )
    clip_norm: float | None = Field(
        None, gt=0, description="Maximum norm of the gradient of all weights together; null disables clipping."
    )
    time_shift: float = Field(
        0.0,
        ge=0,
        description="Maximum random shift of all times of a training window, in either direction [days]. Times are "
        "relative to their mean, so this varies the phase of their encoding. 0 disables the shift.",
    )
    wrong_periods: float = Field(
        0.0,
        ge=0,
        le=1,
        description="Share of the training windows that are given a wrong period (by 1 %, a factor of 2 or a daily "
        "alias), so that an encoder with `phase` relies less on the period.",
    )

    @property
    def augmentation(self) -> dict[str, float]:
        """How training windows differ from those of validation; arguments of `data.batches.pretraining_batches`."""
        return {"time_shift": self.time_shift, "wrong_periods": self.wrong_periods}

    @model_validator(mode="after")
    def _cosine_has_an_end(self) -> "EncoderTraining":
        if self.decay == "cosine" and (self.decay_steps is None or self.decay_steps <= self.warmup_steps):
            raise ValueError("decay is 'cosine'; expected decay_steps larger than warmup_steps")
        return self


class Finetuning(EncoderTraining):
    """Training of a pretrained encoder on a dataset: of all its weights, or of a low-rank change."""

    lora_rank: Positive | None = Field(
        None,
        description="Rank of a change of each attention projection that is trained while everything else keeps its "
        "pretrained weights (LoRA); null trains all weights.",
    )


class Pretraining(Section):
    """Learning from light curves without labels."""

    surveys: Annotated[list[str], Distinct] = Field(
        [],
        description="Surveys whose objects are used, except for the test objects of every dataset; may be empty if all "
        "encoders are imported, which are then not scored.",
    )
    validation_fraction: Share = Field(0.2, description="Fraction of the objects for early stopping.")
    test_fraction: Share = Field(
        0.1, description="Fraction of the objects on which the reconstruction is scored at the end."
    )
    threads: Positive = Field(
        8,
        description="CPU threads of a training, at most the cores that the run may use. Small models with small "
        "batches use no more than one or two, so that several encoders are better trained side by side.",
    )
    training: EncoderTraining = Field(EncoderTraining(), description="How the encoders are trained.")

    @model_validator(mode="after")
    def _leaves_objects_to_train_on(self) -> Self:
        if self.validation_fraction + self.test_fraction >= 1:
            raise ValueError(
                f"validation_fraction {self.validation_fraction:g} and test_fraction {self.test_fraction:g} leave "
                "nothing to train on; expected a sum below 1"
            )
        return self


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
