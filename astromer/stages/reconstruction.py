"""Training on the reconstruction of hidden magnitudes, shared by pretraining and finetuning."""

import math
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import polars as pl

from astromer.config.training import Devices, EncoderTraining, Masking
from astromer.data.batches import PAD_MULTIPLE, pretraining_batches
from astromer.evaluation.predictors import evaluate_model, evaluate_reconstruction
from astromer.files import atomic_path
from astromer.models.weights import Pretrained, save_pretrained
from astromer.training.devices import is_chief, prepare_devices
from astromer.training.pretraining import pretrain, pretraining_objective
from astromer.training.state import StateFile, fingerprint


def build_on_devices(devices: Devices, seed: int, build: Callable[[], Pretrained]) -> Pretrained:
    """Configure TensorFlow for the devices of the job, then build or load a model on them."""
    strategy = prepare_devices(mixed_precision=devices.mixed_precision, deterministic=devices.deterministic)
    keras.utils.set_random_seed(seed)
    with strategy.scope():
        return build()


def learn_to_reconstruct(
    pretrained: Pretrained,
    records: Mapping[str, Sequence[Path]],
    folder: Path,
    *,
    training: EncoderTraining,
    masking: Masking,
    devices: Devices,
    window: int,
    seed: int,
    state: Path,
    targets: Path | None = None,
    initial: Sequence[Path] = (),
) -> float | None:
    """Train a reconstructor; write model, configuration, learning curves and scores to `folder`.

    With initial weights from files, the scores have the row `pretrained` as well: the model before this training, at
    the same hidden points.

    Args:
        pretrained: the reconstructor with its initial weights, and the configuration of its encoder.
        records: files of the sets `train`, `validation` and `test`.
        folder: written.
        training, masking, devices, window, seed: as in the configuration of a run.
        state: folder of the state from which a killed job resumes; deleted at the end.
        targets: table of the summary objective, for an encoder that has one.
        initial: files of the initial weights, if any.

    Returns:
        Wall time of the training with its validations, in minutes; None if it resumed a killed job's state.
    """
    config = pretrained.config
    identity: dict[str, Any] = {"encoder": config.plain(), "masking": masking.plain(), "window": window, "seed": seed}
    identity |= {"trained": sum(math.prod(weight.shape) for weight in pretrained.model.trainable_variables)}
    identity |= {"batch_size": training.batch_size, "devices": devices.plain()} | training.augmentation
    objective = pretraining_objective(config)
    summary = targets if config.summary_weight else None
    files = [*initial, *records["train"], *records["validation"], *([summary] if summary else [])]

    def batches(subset: str, **more: Any) -> Any:
        return pretraining_batches(
            records[subset],
            window=window,
            batch_size=training.batch_size,
            seed=seed,
            masking=masking,
            variant=config.variant,
            num_periods=config.num_shown_periods,
            summary=summary,
            pad_multiple=None if devices.xla or not config.ignores_padding else PAD_MULTIPLE,
            **more,
        )

    test = batches("test", training=False)
    before = {"pretrained": evaluate_model(pretrained.model, test)} if initial else {}
    state_file, start = StateFile(state, fingerprint(files, stage=__file__, **identity)), time.monotonic()
    history = pretrain(
        pretrained.model,
        lambda epoch: batches("train", epoch=epoch, **training.augmentation),
        batches("validation", training=False),
        training,
        objective,
        jit=devices.xla,
        state=state_file,
    )
    minutes = None if history.resumed else (time.monotonic() - start) / 60
    scores = evaluate_reconstruction(pretrained.model, test) | before
    if is_chief(pretrained.model.distribute_strategy):
        save_pretrained(*pretrained, folder)
        write_scores(scores, folder / "scores.csv")
        history.write(folder)
        history.write_tensorboard(folder / "tensorboard")
        shutil.rmtree(state, ignore_errors=True)
    return minutes


def write_scores(scores: Mapping[str, Mapping[str, float]], path: Path) -> None:
    """Write the reconstruction of held-out windows, one row per predictor."""
    with atomic_path(path) as temporary:
        pl.DataFrame([{"predictor": name, **row} for name, row in scores.items()]).write_csv(temporary)
