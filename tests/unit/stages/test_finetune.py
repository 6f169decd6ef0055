"""Finetuning of all weights, and of a low-rank change of the attention alone."""

import numpy as np
import pytest
from example_records import small_config, small_reconstructor, write_stars

from astromer.config.training import Devices, Finetuning, Masking
from astromer.models.weights import load_pretrained, save_pretrained
from astromer.stages.finetune import finetune_encoder


@pytest.fixture
def finetuned(tmp_path):
    """Finetune the small encoder on a few stars, and return its weights by path, before and after."""

    def finetune(**training):
        records = write_stars(tmp_path / "stars.tfrecord")
        save_pretrained(small_reconstructor(), small_config(), tmp_path / "pretrained")
        finetune_encoder(
            tmp_path / "pretrained/model.weights.h5",
            *[records] * 3,
            tmp_path / "finetuned",
            training=Finetuning(epochs=2, batch_size=8, learning_rate=0.01, **training).plain(),
            masking=Masking().plain(),
            devices=Devices().plain(),
            window=50,
            seed=1,
            state=str(tmp_path / "state"),
        )
        models = [load_pretrained(tmp_path / name).model for name in ("pretrained", "finetuned")]
        return [{weight.path: np.asarray(weight) for weight in model.weights} for model in models]

    return finetune


def changed(before, after):
    assert before.keys() == after.keys()
    return {path for path in before if not np.array_equal(before[path], after[path])}


def test_finetuning_trains_all_weights(finetuned):
    before, after = finetuned()
    assert len(changed(before, after)) > len(before) / 2


def test_low_rank_adaptation_changes_the_kernels_of_the_attention_alone(finetuned):
    before, after = finetuned(lora_rank=1)
    kernels = changed(before, after)
    assert {path.split("attention/")[-1] for path in kernels} == {"qkv/kernel", "merge/kernel"}
    for path in kernels:
        assert np.linalg.matrix_rank(after[path] - before[path], tol=1e-6) == 1
