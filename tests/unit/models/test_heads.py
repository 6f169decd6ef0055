import keras
import numpy as np
import pytest
from keras import ops

from astromer.config.registry import HEADS, head_arrays, reads_padding
from astromer.errors import InputError
from astromer.models.heads import build_head
from astromer.models.standardise import Standardise, adapt_to_training

RANDOM = np.random.default_rng(5)
POOLED = {
    "mean": RANDOM.normal(size=(6, 3, 8)).astype("float32"),
    "std": RANDOM.uniform(0.1, 1, size=(6, 8)).astype("float32"),
    "log_scale": RANDOM.normal(size=(6, 1)).astype("float32"),
    "max": RANDOM.normal(size=(6, 8)).astype("float32"),
    "padding": RANDOM.normal(size=(6, 8)).astype("float32"),
    "sequence": RANDOM.normal(size=(6, 10, 8)).astype("float32"),
    "valid": (np.arange(10)[:, None] < [[[10]], [[10]], [[7]], [[5]], [[4]], [[3]]]).astype("float32"),
}


def small(name, **changes):
    keras.utils.set_random_seed(2)
    return build_head(name, num_levels=3, dim=8, num_classes=4, **{"hidden": (10, 6), **changes})


def read_by(name, variant="paper", **changes):
    return {array: {**POOLED, **changes}[array] for array in head_arrays(name, variant)}


@pytest.mark.parametrize("name", HEADS)
def test_a_head_gives_logits_trains_and_survives_saving(name, tmp_path):
    head, arrays = small(name), read_by(name)
    adapt_to_training(head, arrays)
    assert tuple(head(arrays).shape) == (6, 4)
    head.compile(
        keras.optimizers.Adam(1e-2), keras.losses.SparseCategoricalCrossentropy(from_logits=True), jit_compile=False
    )
    losses = [float(head.train_on_batch(arrays, np.arange(6) % 4)) for _ in range(50)]
    assert losses[-1] < 0.5 * losses[0]
    head.save(tmp_path / "head.keras")
    np.testing.assert_array_equal(keras.models.load_model(tmp_path / "head.keras")(arrays), head(arrays))


def test_heads_use_the_levels_they_are_named_for():
    def disturbed(name, **changes):
        head = small(name)
        return np.abs(head(read_by(name, **changes)) - head(read_by(name))).max()

    first_level = {"mean": POOLED["mean"] + np.float32([[[1]], [[0]], [[0]]]).reshape(1, 3, 1)}
    for name in ("avg", "linear"):
        assert disturbed(name, **first_level) == 0
    assert disturbed("skip", **first_level) > 0
    assert head_arrays("max") == ("max",)


@pytest.mark.parametrize("name", ["att_avg", "att_cls"])
def test_attention_heads_do_not_see_padding(name):
    head, arrays = small(name), read_by(name)
    adapt_to_training(head, arrays)
    padding = 1 - arrays["valid"]
    disturbed = {**arrays, "sequence": arrays["sequence"] + 5 * padding}
    np.testing.assert_allclose(head(disturbed), head(arrays), atol=1e-6)
    longer = {key: np.pad(array, ((0, 0), (0, 6), (0, 0))) for key, array in arrays.items()}
    np.testing.assert_allclose(head(longer), head(arrays), atol=1e-6)
    shown = {**arrays, "sequence": arrays["sequence"] + arrays["valid"] * RANDOM.normal(size=8).astype("float32")}
    assert np.abs(head(shown) - head(arrays)).max() > 1e-3


def test_the_class_token_is_trained_in_paper_and_without_effect_in_released():
    trained, released = (small("att_cls", variant=variant) for variant in ("paper", "released"))
    assert trained.get_layer("class_token").token.trainable
    assert not released.get_layer("class_token").trainable_variables
    logits = np.asarray(released(read_by("att_cls", "released")))
    np.testing.assert_array_equal(logits, np.broadcast_to(logits[0], logits.shape))


def test_the_released_mask_pools_the_padding():
    attended = small("att_avg", variant="released").get_layer("attended_mean")(POOLED["sequence"], POOLED["valid"])
    np.testing.assert_array_equal(attended[:2], 0)
    padding = POOLED["sequence"][2, 7:]
    scores = padding @ padding.T
    weights = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(attended[2], (weights @ padding).mean(axis=0), atol=1e-5)
    assert head_arrays("avg", "released") == ("padding",)
    assert {name for name in HEADS if reads_padding(name, "released")} == {"avg", "att_avg", "att_cls"}
    assert not any(reads_padding(name, "paper") for name in HEADS)


def test_linear_has_no_hidden_layers():
    assert [layer.name for layer in small("linear").layers if layer.trainable_weights] == ["logits"]


def test_inputs_are_standardised_by_the_training_rows_alone():
    head = small("skip")
    untouched = head(read_by("skip"))
    np.testing.assert_allclose(untouched, small("skip", standardise=False)(read_by("skip")), atol=1e-6)
    scaled = {"mean": POOLED["mean"] * np.float32([[[1]], [[100]], [[1e4]]]).reshape(1, 3, 1) + 7}
    for arrays, layer in ((read_by("skip"), head), (scaled, other := small("skip"))):
        adapt_to_training(layer, arrays)
    np.testing.assert_allclose(other(scaled), head(read_by("skip")), atol=1e-3)
    rows = head.get_layer("standardise_mean")(POOLED["mean"]).numpy()
    np.testing.assert_allclose(rows.mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(rows.std(axis=0), 1, atol=1e-4)
    assert not head.get_layer("standardise_mean").trainable_weights
    assert not any(isinstance(layer, Standardise) for layer in small("skip", variant="released").layers)


def test_sequences_are_standardised_over_valid_points_and_constant_components_only_shifted():
    layer = Standardise()
    layer.build((None, None, 8))
    rows = POOLED["sequence"].copy()
    rows[..., 0] = 3
    layer.adapt(np.where(POOLED["valid"] > 0, rows, 1e6), POOLED["valid"])
    points = layer(rows).numpy()[POOLED["valid"][..., 0] > 0]
    np.testing.assert_allclose(points.mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(points.std(axis=0), [0, *[1] * 7], atol=1e-5)


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
    head, arrays = small("skip"), read_by("skip")
    labels = (POOLED["mean"][:, 1].sum(axis=-1) > 0).astype("int32")
    head.compile(
        keras.optimizers.Adam(1e-2), keras.losses.SparseCategoricalCrossentropy(from_logits=True), jit_compile=False
    )
    head.train_on_batch(arrays, labels)
    assert np.abs(ops.subtract(head.get_layer("level_mix").gamma, 1 / 3)).max() > 1e-4


@pytest.mark.parametrize(("changes", "named"), [({"name": "att"}, "att_avg"), ({"variant": "new"}, "new")])
def test_an_unknown_head_or_variant_is_an_error(changes, named):
    with pytest.raises(InputError, match=named):
        build_head(**{"name": "skip", "num_levels": 3, "dim": 8, "num_classes": 4, "hidden": (), **changes})
