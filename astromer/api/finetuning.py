"""Adapt a pretrained encoder to light curves in memory, without labels."""

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import polars as pl

from astromer.api.light_curves import Curves
from astromer.api.seeding import seeded
from astromer.config.training import EncoderTraining, Masking
from astromer.data.batches import PAD_MULTIPLE, pretraining_batches
from astromer.data.records import write_records
from astromer.models.encoders import build_reconstructor
from astromer.models.weights import Pretrained
from astromer.training.objectives import ReconstructionObjective
from astromer.training.pretraining import pretrain

ANY_ERROR_MAG = 0.01  # equal errors give equal weights


def finetune(
    pretrained: Pretrained, curves: Curves, validation: np.ndarray, options: Mapping[str, Any], *, seed: int
) -> Pretrained:
    """Train a copy of a reconstructor further by predicting hidden magnitudes of these light curves.

    All points have equal weight, because errors are not known; a summary objective is left out.

    Args:
        pretrained: the reconstructor, which does not change.
        curves: light curves.
        validation: bool `(stars,)`, the stars that decide which epoch is the best.
        options: keys of the section `pretraining.training` of the configuration, such as `epochs`.
        seed: seed of masks and order.
    """
    training = EncoderTraining.read(options, "finetune")
    config = pretrained.config
    with seeded(seed), TemporaryDirectory() as folder:
        model = build_reconstructor(config)
        model.set_weights(pretrained.model.get_weights())
        if config.summary_weight:
            model.get_layer("summary").trainable = False

        def batches(subset: str, **more: Any) -> Any:
            return pretraining_batches(
                [Path(folder, subset)],
                window=config.window,
                batch_size=training.batch_size,
                seed=seed,
                masking=Masking(),
                variant=config.variant,
                num_periods=config.num_shown_periods,
                pad_multiple=PAD_MULTIPLE if config.ignores_padding else None,
                **more,
            )

        _write(curves.only(~validation), Path(folder, "train"))
        _write(curves.only(validation), Path(folder, "validation"))
        pretrain(
            model,
            lambda epoch: batches("train", epoch=epoch, **training.augmentation),
            batches("validation", training=False),
            training,
            ReconstructionObjective(weighted=False, scaled=bool(config.scaled_loss)),
        )
    return Pretrained(model, config)


def _write(curves: Curves, path: Path) -> None:
    """Write records whose ids are the positions of the light curves."""
    names = np.char.zfill(np.arange(len(curves.lengths)).astype(str), 9)
    columns = {"id": np.repeat(names, curves.lengths), "mjd": curves.mjd, "mag": curves.mag}
    objects = pl.DataFrame({"id": names}).with_columns(**{"class": None, "band": None, "shard": 0})
    write_records(pl.DataFrame(columns).with_columns(err_mag=pl.lit(ANY_ERROR_MAG, pl.Float32)), objects, path)
