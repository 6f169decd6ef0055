"""Our own folders of weights: complete, or an error that names what is wrong."""

import json
import time
from functools import partial

import h5py
import keras
import numpy as np
import pytest

from astromer.config.encoders import EncoderConfig
from astromer.config.registry import BASELINES, HEADS, head_arrays
from astromer.errors import InputError
from astromer.models.baselines import build_baseline
from astromer.models.encoders import build_reconstructor
from astromer.models.heads import build_head, join_encoder
from astromer.models.weights import (
    CONFIG_FILE,
    WEIGHTS_FILE,
    load_model,
    load_pretrained,
    save_model,
    save_pretrained,
)

SMALL = {"num_blocks": 2, "num_heads": 2, "head_dim": 8, "feedforward_dim": 12}


def small(**changes):
    config = EncoderConfig(architecture="v2", **{**SMALL, **changes})
    return build_reconstructor(config), config


def joined():
    encoder = small()[0].get_layer("encoder")
    head = build_head("msx", num_levels=3, dim=16, num_classes=2, hidden=[4])
    return join_encoder(encoder, head, head_arrays("msx", "paper"))


HEADS_OF_3 = {
    f"{name}-{variant}": partial(build_head, name, num_levels=3, dim=8, num_classes=2, hidden=[4], variant=variant)
    for name in HEADS
    for variant in ("paper", "released")
}
ALL_BASELINES = {name: partial(build_baseline, name, num_classes=2, units=4, hidden=[4], dim=8) for name in BASELINES}
FILES = {**HEADS_OF_3, **ALL_BASELINES, "joined": joined}


@pytest.mark.parametrize("architecture", ["v1", "v2"])
def test_our_own_folder_gives_the_same_model_back(architecture, windows, tmp_path):
    config = EncoderConfig(architecture=architecture, **SMALL)
    model = build_reconstructor(config)
    save_pretrained(model, config, tmp_path / "encoder")
    assert {path.name for path in (tmp_path / "encoder").iterdir()} == {WEIGHTS_FILE, CONFIG_FILE}
    loaded = load_pretrained(tmp_path / "encoder")
    assert loaded.config == config
    np.testing.assert_array_equal(loaded.model(windows), model(windows))


def test_equal_trainings_give_equal_bytes_of_every_model_file(tmp_path):
    """Also after other models were built in the same process, and later."""
    for name in ("once", "again"):
        keras.utils.set_random_seed(1)
        model, config = small(dropout=0.1)
        save_pretrained(model, config, tmp_path / name)
        keras.utils.set_random_seed(1)
        for kind, build in FILES.items():
            save_model(build(), tmp_path / name / f"{kind}.keras")
        time.sleep(2.1)  # the resolution of times in a zip archive is 2 s
    files = sorted(path.name for path in (tmp_path / "once").iterdir())
    assert len(files) == 2 + len(FILES)
    for name in files:
        assert (tmp_path / "once" / name).read_bytes() == (tmp_path / "again" / name).read_bytes(), name


def test_weights_have_the_names_of_their_places(tmp_path):
    save_pretrained(*small(), tmp_path)
    with h5py.File(tmp_path / WEIGHTS_FILE) as file:
        assert file["block_1/attention/qkv/kernel"].shape == (16, 48)
        assert file["input_embedding/mask_token"].shape == ()


def test_a_damaged_model_is_an_error_that_names_it(tmp_path):
    save_model(build_head("avg", num_levels=3, dim=8, num_classes=2, hidden=[4]), tmp_path / "head.keras")
    content = (tmp_path / "head.keras").read_bytes()
    (tmp_path / "head.keras").write_bytes(content[: len(content) // 2])
    with pytest.raises(InputError, match=r"head\.keras: not a complete Keras model"):
        load_model(tmp_path / "head.keras")


def test_weights_of_another_architecture_are_an_error_that_names_one(tmp_path):
    model, config = small()
    for changed, named in (
        ({"num_blocks": 1}, "block_1"),
        ({"num_blocks": 3}, "block_2"),
        ({"feedforward_dim": 13}, "feedforward_in"),
        ({"residual": False}, "residual"),
        ({"variant": "released"}, "mask_token"),
    ):
        save_pretrained(model, config, tmp_path)
        (tmp_path / CONFIG_FILE).write_text(json.dumps({**config.plain(), **changed}), encoding="utf-8")
        with pytest.raises(InputError, match=named):
            load_pretrained(tmp_path)


def test_a_truncated_or_incomplete_folder_is_an_error(tmp_path):
    save_pretrained(*small(), tmp_path)
    with pytest.raises(InputError, match="variant is 'paper'; expected 'released'"):
        load_pretrained(tmp_path, variant="released")
    complete = (tmp_path / WEIGHTS_FILE).read_bytes()
    (tmp_path / WEIGHTS_FILE).write_bytes(complete[: len(complete) // 2])
    with pytest.raises(InputError, match=WEIGHTS_FILE):
        load_pretrained(tmp_path)
    (tmp_path / CONFIG_FILE).unlink()
    with pytest.raises(InputError, match=CONFIG_FILE):
        load_pretrained(tmp_path)
    (tmp_path / WEIGHTS_FILE).unlink()
    with pytest.raises(InputError, match="no weights found"):
        load_pretrained(tmp_path)
