import keras
import numpy as np
import pytest
from keras import ops

from astromer.config.registry import HEADS
from astromer.errors import InputError
from astromer.models.heads import build_head, head_module

RANDOM = np.random.default_rng(5)
POOLED = {
    "mean": RANDOM.normal(size=(6, 3, 8)).astype("float32"),
    "max": RANDOM.normal(size=(6, 8)).astype("float32"),
}


def small(name, **changes):
    return build_head(name, num_levels=3, dim=8, num_classes=4, **{"hidden": (10, 6), **changes})


def inputs_of(name, **changes):
    """What the head declares that it reads."""
    return {key: {**POOLED, **changes}[key] for key in head_module(name).INPUTS}


@pytest.mark.parametrize("name", HEADS)
def test_a_head_gives_logits_trains_and_survives_saving(name, tmp_path):
    head, inputs = small(name), inputs_of(name)
    assert tuple(head(inputs).shape) == (6, 4)
    head.compile(
        keras.optimizers.Adam(1e-2), keras.losses.SparseCategoricalCrossentropy(from_logits=True), jit_compile=False
    )
    losses = [float(head.train_on_batch(inputs, np.arange(6) % 4)) for _ in range(30)]
    assert losses[-1] < 0.5 * losses[0]
    head.save(tmp_path / "head.keras")
    np.testing.assert_array_equal(keras.models.load_model(tmp_path / "head.keras")(inputs), head(inputs))


def test_heads_use_the_levels_they_are_named_for():
    def disturbed(name, **changes):
        head = small(name)
        return np.abs(head(inputs_of(name, **changes)) - head(inputs_of(name))).max()

    first_level = {"mean": POOLED["mean"] + np.float32([[[1]], [[0]], [[0]]]).reshape(1, 3, 1)}
    assert disturbed("avg", **first_level) == 0
    assert disturbed("skip", **first_level) > 0
    assert disturbed("max", mean=POOLED["mean"] + 1) == 0
    assert disturbed("max", max=POOLED["max"] + RANDOM.normal(size=8).astype("float32")) > 0


@pytest.mark.parametrize("variant", ["paper", "released"])
def test_gamma_weights_are_positive_and_sum_to_one(variant):
    mix = small("skip", variant=variant).get_layer("level_mix")
    np.testing.assert_allclose(mix.gamma, np.full(3, 1 / 3), atol=1e-7)
    mix.gamma.assign([0.4, -0.1, 0.3])
    weights = mix.level_weights().numpy()
    assert (weights > 0).all()
    assert weights.sum() == pytest.approx(1)
    mixed = np.einsum("l,bld->bd", weights, POOLED["mean"]) / (3 if variant == "released" else 1)
    np.testing.assert_allclose(mix(POOLED["mean"]), mixed, atol=1e-6)


def test_gamma_learns_which_level_matters():
    head = small("skip")
    labels = (POOLED["mean"][:, 1].sum(axis=-1) > 0).astype("int32")
    head.compile(
        keras.optimizers.Adam(1e-2), keras.losses.SparseCategoricalCrossentropy(from_logits=True), jit_compile=False
    )
    head.train_on_batch(inputs_of("skip"), labels)
    assert np.abs(ops.subtract(head.get_layer("level_mix").gamma, 1 / 3)).max() > 1e-4


@pytest.mark.parametrize(("changes", "named"), [({"name": "att_cls"}, "att_cls"), ({"variant": "new"}, "new")])
def test_an_unknown_head_or_variant_is_an_error(changes, named):
    with pytest.raises(InputError, match=named):
        small(**{"name": "skip", **changes})
