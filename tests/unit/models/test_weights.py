"""Our own folders of weights: complete, or an error that names what is wrong."""

import json

import numpy as np
import pytest

from astromer.config.encoders import EncoderConfig
from astromer.errors import InputError
from astromer.models.encoders import build_reconstructor
from astromer.models.weights import CONFIG_FILE, MODEL_FILE, load_pretrained, save_pretrained

SMALL = {"num_blocks": 2, "num_heads": 2, "head_dim": 8, "feedforward_dim": 12}


def small(**changes):
    config = EncoderConfig(architecture="v2", **{**SMALL, **changes})
    return build_reconstructor(config), config


@pytest.mark.parametrize("architecture", ["v1", "v2"])
def test_our_own_folder_gives_the_same_model_back(architecture, windows, tmp_path):
    config = EncoderConfig(architecture=architecture, **SMALL)
    model = build_reconstructor(config)
    save_pretrained(model, config, tmp_path / "encoder")
    assert {path.name for path in (tmp_path / "encoder").iterdir()} == {MODEL_FILE, CONFIG_FILE}
    loaded = load_pretrained(tmp_path / "encoder")
    assert loaded.config == config
    np.testing.assert_array_equal(loaded.model(windows), model(windows))


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
    complete = (tmp_path / MODEL_FILE).read_bytes()
    (tmp_path / MODEL_FILE).write_bytes(complete[: len(complete) // 2])
    with pytest.raises(InputError, match=MODEL_FILE):
        load_pretrained(tmp_path)
    (tmp_path / CONFIG_FILE).unlink()
    with pytest.raises(InputError, match=CONFIG_FILE):
        load_pretrained(tmp_path)
    (tmp_path / MODEL_FILE).unlink()
    with pytest.raises(InputError, match="no weights found"):
        load_pretrained(tmp_path)
