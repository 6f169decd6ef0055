"""Encoders, masking and training: defaults of the papers, bounds, and the union of trained and imported encoders."""

import json

import pytest

from astromer.config.encoders import AnyEncoder, EncoderConfig, ImportedEncoder, TrainedEncoder
from astromer.config.section import Section
from astromer.config.training import EncoderTraining, Masking, Training
from astromer.errors import InputError


class Encoders(Section):
    encoders: dict[str, AnyEncoder]


@pytest.mark.parametrize(("architecture", "expected"), [("v1", (2, 128, False)), ("v2", (6, 512, True))])
def test_defaults_are_those_of_the_papers(architecture, expected):
    config = EncoderConfig(architecture=architecture)
    assert (config.num_blocks, config.feedforward_dim, config.residual) == expected
    assert (config.num_heads, config.head_dim, config.dim, config.embedding_dim) == (4, 64, 256, 256)
    assert (config.variant, config.window, config.dropout) == ("paper", 200, 0.0)
    unset = dict.fromkeys(("num_blocks", "feedforward_dim", "residual", "embedding_dim"))
    assert EncoderConfig(architecture=architecture, **unset) == config


@pytest.mark.parametrize("architecture", ["v1", "v2"])
@pytest.mark.parametrize("variant", ["paper", "released"])
def test_only_the_released_v1_attends_to_padding(architecture, variant):
    config = EncoderConfig(architecture=architecture, variant=variant)
    assert config.ignores_padding == ((architecture, variant) != ("v1", "released"))


def test_a_config_survives_the_round_trip_through_a_dict():
    config = EncoderConfig(
        architecture="v2", variant="released", num_blocks=3, num_heads=3, head_dim=8, embedding_dim=32, dropout=0.1
    )
    assert EncoderConfig.read(json.loads(json.dumps(config.plain())), "config.json") == config


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"num_block": 3}, "num_block"),
        ({"architecture": "v4"}, "architecture"),
        ({"architecture": ["v2"]}, "architecture"),
        ({"architecture": {"v2": None}}, "architecture"),
        ({"variant": "fixed"}, "variant"),
        ({"num_blocks": 0}, "num_blocks"),
        ({"num_heads": "4"}, "num_heads"),
        ({"num_heads": 0}, "num_heads"),
        ({"window": True}, "window"),
        ({"embedding_dim": 33}, "embedding_dim"),
        ({"num_heads": 3, "head_dim": 3}, r"num_heads \* head_dim is 9; .* embedding_dim"),
        ({"residual": 1}, "residual"),
        ({"dropout": 1.0}, "dropout"),
    ],
)
def test_a_bad_value_is_an_error_that_names_its_key(changes, named):
    with pytest.raises(InputError, match=rf"^config\.json: {named}") as error:
        EncoderConfig.read({"architecture": "v2", **changes}, "config.json")
    assert "\n" not in str(error.value)


def test_a_config_without_architecture_is_an_error():
    with pytest.raises(InputError, match="architecture: missing"):
        EncoderConfig.read({"variant": "paper"}, "config.json")


def test_an_encoder_with_weights_is_imported_and_any_other_is_trained():
    content = {"ours": {"architecture": "v1"}, "theirs": {"weights": "macho-v1"}}
    encoders = Encoders.read({"encoders": content}).encoders
    assert encoders == {"ours": TrainedEncoder(architecture="v1"), "theirs": ImportedEncoder(weights="macho-v1")}
    assert (encoders["ours"].variant, encoders["theirs"].variant) == ("paper", None)
    again = Encoders.read({"encoders": {name: encoder.plain() for name, encoder in encoders.items()}})
    assert again.encoders == encoders


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ({}, "encoders.a.architecture: missing; this key has no default"),
        ({"architecture": "v2", "num_bloks": 3}, "encoders.a.num_bloks: unknown key; did you mean num_blocks?"),
        ({"architecture": "v2", "window": 100}, "encoders.a.window: unknown key; known: architecture, variant, "),
        ({"weights": "w", "architecture": "v2"}, "encoders.a.architecture: unknown key; known: weights, variant"),
        ({"weights": "w", "varant": "paper"}, "encoders.a.varant: unknown key; did you mean variant?"),
        ({"weights": None}, "encoders.a.weights: is None; expected a valid string"),
        (None, "encoders.a: is None; expected a valid dictionary"),
    ],
)
def test_errors_of_an_encoder_are_those_of_its_kind(content, line):
    with pytest.raises(InputError) as error:
        Encoders.read({"encoders": {"a": content}}, "run.yaml")
    assert str(error.value).startswith(f"run.yaml: {line}")
    assert "\n" not in str(error.value)


def test_masking_and_training_have_the_defaults_of_the_paper():
    assert Masking().plain() == {"probed": 0.5, "random": 0.2, "same": 0.2}
    assert EncoderTraining() == EncoderTraining.read({}, "training")
    assert set(EncoderTraining().plain()) - set(Training().plain()) == {
        "warmup_steps",
        "decay",
        "decay_steps",
        "clip_norm",
        "time_shift",
        "wrong_periods",
    }


def test_an_encoder_may_keep_its_initial_weights():
    assert EncoderTraining.read({"epochs": 0}, "training").epochs == 0


def test_finetuning_and_training_are_no_part_of_the_definition():
    plain = TrainedEncoder(architecture="v2")
    changed = TrainedEncoder(architecture="v2", finetune=False, training={"epochs": 0})
    assert (plain.finetune, changed.finetune) == (True, False)
    assert changed.definition == plain.definition
    assert EncoderConfig.read({**plain.definition, "window": 50}).window == 50


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [
        (Masking, "probed", 1.01),
        (Masking, "same", -0.01),
        (Training, "learning_rate", 0),
        (Training, "learning_rate", float("nan")),
        (Training, "batch_size", 0),
        (Training, "epochs", 0),
        (Training, "patience", 1.5),
        (Training, "warmup_steps", 10),
        (EncoderTraining, "epochs", -1),
        (EncoderTraining, "warmup_steps", -1),
        (EncoderTraining, "time_shift", -1),
        (EncoderTraining, "wrong_periods", 1.5),
    ],
)
def test_options_out_of_bounds_are_named(section, key, value):
    with pytest.raises(InputError, match=f"^training: {key}: "):
        section.read({key: value}, "training")
