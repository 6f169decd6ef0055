import pytest

from astromer.errors import InputError
from astromer.models.config import EncoderConfig


@pytest.mark.parametrize(("architecture", "expected"), [("v1", (2, 128, False)), ("v2", (6, 512, True))])
def test_defaults_are_those_of_the_papers(architecture, expected):
    config = EncoderConfig(architecture)
    assert (config.num_blocks, config.feedforward_dim, config.residual) == expected
    assert (config.num_heads, config.head_dim, config.dim, config.embedding_dim) == (4, 64, 256, 256)


def test_a_config_survives_the_round_trip_through_a_dict():
    config = EncoderConfig("v2", "released", num_blocks=3, num_heads=3, head_dim=8, embedding_dim=32, dropout=0.1)
    assert EncoderConfig.from_dict(config.to_dict()) == config


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"num_block": 3}, "num_block"),
        ({"architecture": "v3"}, "architecture"),
        ({"variant": "fixed"}, "variant"),
        ({"num_blocks": 0}, "num_blocks"),
        ({"num_heads": "4"}, "num_heads"),
        ({"window": True}, "window"),
        ({"embedding_dim": 33}, "embedding_dim"),
        ({"residual": 1}, "residual"),
        ({"dropout": 1.0}, "dropout"),
    ],
)
def test_a_bad_value_is_an_error_that_names_its_key(changes, named):
    with pytest.raises(InputError, match=named):
        EncoderConfig.from_dict({"architecture": "v2", **changes})


def test_a_config_without_architecture_is_an_error():
    with pytest.raises(InputError, match="architecture"):
        EncoderConfig.from_dict({"variant": "paper"})
