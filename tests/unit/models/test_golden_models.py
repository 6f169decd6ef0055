"""Numerical parity with the original code; tolerances as stated beside the golden vectors."""

import json

import numpy as np
import pytest
import tensorflow as tf

from astromer.config.encoders import EncoderConfig
from astromer.models.attention import AttentionBias, AttentionBlock
from astromer.models.baselines import build_baseline
from astromer.models.embedding import time_encoding, time_rates
from astromer.models.encoders import attention_weights, build_reconstructor
from astromer.models.heads import build_head, head_module
from astromer.models.pooling import pool
from astromer.models.released import assign_released
from astromer.training.objectives import ReconstructionObjective

BLOCK_NAMES = {
    "attention/merge": "mha/dense",
    "attention_norm": "layernorm1",
    "feedforward_in": "ffn/0",
    "feedforward_out": "ffn/1",
    "feedforward_norm": "layernorm2",
    "attention_residual": "reshape_leak_1",
    "feedforward_residual": "reshape_leak_2",
}
SMALL = {"num_blocks": 2, "num_heads": 2, "head_dim": 16, "feedforward_dim": 32}
MODELS = {
    "noleak": {**SMALL, "residual": False},
    "leak": SMALL,
    "asym": {"num_blocks": 3, "num_heads": 3, "head_dim": 8, "feedforward_dim": 48, "embedding_dim": 32},
}
HIDDEN_UNITS = [1024, 512, 256]


def inputs_of(arrays, prefix=""):
    names = {"magnitudes": f"{prefix}in_input", "times": f"{prefix}in_times"}
    windows = {ours: arrays[theirs] for ours, theirs in names.items()}
    return {**windows, "valid": 1 - arrays[f"{prefix}in_mask_in"]}


def below(arrays, prefix):
    return {key.removeprefix(prefix): array for key, array in arrays.items() if key.startswith(prefix)}


def reconstructor(arrays, prefix, architecture, variant, **options):
    model = build_reconstructor(EncoderConfig(architecture=architecture, variant=variant, **options))
    assign_released(model, below(arrays, prefix), origin=prefix)
    return model


@pytest.mark.parametrize("dim", [64, 256])
@pytest.mark.parametrize(
    ("times", "tolerance"), [("zm_L200", 1e-4), ("zm_L50", 1e-4), ("mjd_L200", 2e-2), ("mjd_L50", 2e-2)]
)
def test_time_encoding(golden, close, dim, times, tolerance):
    arrays = golden("golden_a_pe")
    days, reference = arrays[f"times_{times}"], arrays[f"pe{dim}_{times}"]
    close("a: encoding, the original's rates", time_encoding(days, arrays[f"angle_rate_{dim}"]), reference, 1e-6)
    close(f"a: encoding, own rates, {times.split('_')[0]}", time_encoding(days, time_rates(dim)), reference, tolerance)


def test_time_encoding_of_positions(golden, close):
    arrays = golden("golden_a_pe")
    positions = np.arange(50, dtype="float32").reshape(1, 50, 1)
    close("a: encoding of positions", time_encoding(positions, time_rates(64)), arrays["pe64_index_L50"], 1e-4)


def losses_of(arrays, magnitudes, prefix="", *, weighted):
    """Loss and metrics of the original's targets; without weights in the arrays, all are 1."""
    probed = arrays[f"{prefix}tgt_mask_out"]
    batch = {
        "target": arrays[f"{prefix}tgt_target"],
        "probed": probed,
        "hidden": probed * arrays[f"{prefix}in_mask_in"],
        "weight": arrays["tgt_w_error"] if weighted else np.ones_like(probed),
    }
    objective = ReconstructionObjective(weighted=weighted)
    return objective.results(objective.totals(magnitudes, batch))


def block_with(weights, temperature):
    block = AttentionBlock(2, 16, 48, residual="reshape_leak_1/kernel" in weights)
    block.build((None, None, 32), (None, 1, None, None))
    weights = {**weights}
    for kind in ("kernel", "bias"):
        # Scores are linear in the queries: scaling those is what the original's temperature does.
        weights[f"mha/wq/{kind}"] = weights[f"mha/wq/{kind}"] / (temperature or 1)
        projections = [weights[f"mha/{name}/{kind}"] for name in ("wq", "wk", "wv")]
        getattr(block.attention.qkv, kind).assign(np.concatenate(projections, axis=-1))
    for variable in block.weights:
        part, _, kind = variable.path.rpartition("/")
        part = part.removeprefix(f"{block.name}/")
        if part in BLOCK_NAMES:
            variable.assign(weights[f"{BLOCK_NAMES[part]}/{kind}"])
    return block


def original_bias(mask, mask_format, alpha):
    """Masks of the original, as what is added to scores: 1 = hidden; over keys (K), queries (Q) or both (QK)."""
    keys, queries = mask.transpose(0, 2, 1)[:, None], mask[:, None]
    mask = {"K": keys, "Q": queries, "QK": np.maximum(keys, queries), "None": 0 * keys}[mask_format]
    return (mask * np.float32(alpha)).astype("float32")


def block_cases():
    """Every array of a block with softmax attention; `tanh` and `logits` attention was never published nor used."""
    for model in ("noleak", "leak"):
        for mask_format in ("K", "Q", "QK"):
            for alpha in ("-1e+09", "1", "-0.5"):
                for temperature in ("0", "0.5", "2") if alpha != "-0.5" else ("0",):
                    yield model, f"{mask_format}_a{alpha}_T{temperature}_{model}", mask_format, alpha, temperature
    for mask_format, meant in (("QK", "QK"), ("Q", "K"), ("None", "None")):
        for alpha in ("-1e+09", "1"):
            yield "v1", f"v1_{mask_format}_a{alpha}", meant, alpha, "0"


@pytest.mark.parametrize(("model", "name", "mask_format", "alpha", "temperature"), list(block_cases()))
def test_attention_block(golden, close, model, name, mask_format, alpha, temperature):
    arrays = golden("golden_b_block")
    block = block_with(below(arrays, f"w_{model}/"), float(temperature))
    for window in (50, 200):
        if f"y{window}_{name}" not in arrays:
            continue
        states, mask = arrays[f"x{window}"], arrays[f"mask{window}"]
        bias = original_bias(mask, mask_format, float(alpha))
        close("b: block", block(states, bias), arrays[f"y{window}_{name}"], 1e-5)
        if f"att{window}_{name}" in arrays:
            close("b: attention", block.attention.attention_weights(states, bias), arrays[f"att{window}_{name}"], 1e-5)


@pytest.mark.parametrize(
    ("mask", "model", "name"), [("keys", "leak", "K_a-1e+09_T0_leak"), ("released_v1", "v1", "v1_QK_a1")]
)
def test_our_attention_bias_is_the_one_of_the_published_models(golden, close, mask, model, name):
    arrays = golden("golden_b_block")
    bias = AttentionBias(mask)(1 - arrays["mask50"])
    block = block_with(below(arrays, f"w_{model}/"), 0)
    close(f"b: bias {mask}", block(arrays["x50"], bias), arrays[f"y50_{name}"], 1e-5)


@pytest.mark.parametrize("name", MODELS)
def test_small_v2(golden, close, name):
    arrays = golden("golden_c_v2small")
    model = reconstructor(arrays, f"{name}/w/", "v2", "released", window=50, **MODELS[name])
    encoder, windows = model.get_layer("encoder"), inputs_of(arrays)
    references = ["input_embedding", *(f"layer{index}_out" for index in range(MODELS[name]["num_blocks"]))]
    for level, reference in zip(encoder(windows), references, strict=True):
        close("c: levels", level, arrays[f"{name}/{reference}"], 1e-5)
    attention = attention_weights(encoder, windows)[-1]
    close("c: attention", attention, arrays[f"{name}/last_attention_weights"], 1e-5)
    close("c: reconstruction", model(windows), arrays[f"{name}/reconstruction"], 1e-5)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("token", ["0.0", "0.3"])
def test_small_v2_with_its_mask_token(golden, close, name, token):
    arrays = golden("golden_c_v2small")
    model = reconstructor(arrays, f"{name}/w/", "v2", "paper", window=50, **MODELS[name])
    mask_token = model.get_layer("encoder").get_layer("input_embedding").mask_token
    mask_token.assign(float(token))
    with tf.GradientTape() as tape:
        magnitudes = model(inputs_of(arrays))
        loss = losses_of(arrays, magnitudes, weighted=True)["loss"]
    close("c: mask token", magnitudes, arrays[f"{name}/msk{token}_reconstruction"], 1e-5)
    close("c: loss with the mask token", loss, arrays[f"{name}/msk{token}_loss_wrmse"], 1e-5)
    gradient = tape.gradient(loss, mask_token.value)
    close("c: gradient of the mask token", gradient, arrays[f"{name}/msk{token}_grad_token"][0, 0], 1e-5)


@pytest.mark.parametrize("tag", ["pretrain", "infer", "clf"])
def test_published_v1(golden, close, tag):
    arrays = golden("golden_d_v1_macho")
    model = reconstructor(arrays, "w/", "v1", "released")
    windows = inputs_of(arrays, f"{tag}/")
    embedding, first, last = model.get_layer("encoder")(windows)
    close("d: first block", first, arrays[f"{tag}/layer0_out"], 5e-5)
    close("d: embedding (values up to 14)", last, arrays[f"{tag}/embedding"], 5e-4)
    close("d: reconstruction", model(windows), arrays[f"{tag}/reconstruction"], 4e-5)
    close("d: reconstruction", model(windows), arrays[f"{tag}/reconstruction_alpha1_QK"], 4e-5)
    found = losses_of(arrays, model(windows), f"{tag}/", weighted=False)
    close("d: rmse", found["loss"], arrays[f"{tag}/rmse"], 1e-5)
    if tag == "infer":  # nothing is probed: the original states an R2 of 1, here there is none
        assert np.isnan(found["r2_probed"])
    else:
        close("d: R2", found["r2_probed"], arrays[f"{tag}/r2"], 1e-5)
    if tag == "clf":
        close("d: input embedding", embedding, arrays["clf/input_embedding"], 1e-4)


@pytest.mark.parametrize("tag", ["infer", "clf"])
def test_published_v1_weights_in_the_paper_variant_skip_padding(golden, close, tag):
    """With nothing hidden, the paper variant is the original's format `Q` of v1 (keys) at alpha -1e9."""
    arrays = golden("golden_d_v1_macho")
    model, windows = reconstructor(arrays, "w/", "v1", "paper"), inputs_of(arrays, f"{tag}/")
    reference = arrays[f"{tag}/reconstruction_alpha-1e+09_Q"]
    close("d: paper variant", model(windows) * windows["valid"], reference * windows["valid"], 4e-5)


def assign_classifier(model, arrays, first="dense0"):
    names = {"hidden_0": "dense0", "hidden_1": "dense1", "hidden_2": "dense2", "norm": "layer_norm"}
    for ours, theirs in {**names, "logits": "output_layer"}.items():
        for variable in model.get_layer(ours).weights:
            kernel = variable.name == "kernel" and ours == "hidden_0"
            variable.assign(arrays[f"mlp/{first if kernel else theirs}/{variable.name}"])


@pytest.mark.parametrize(
    ("head", "variant", "reference"),
    [
        ("skip", "released", "logits_skip"),
        ("skip", "paper", "fixed_logits_skip_sum"),
        ("avg", "paper", "fixed_logits_avg"),
        ("max", "paper", "fixed_logits_max"),
        ("max", "released", "logits_max"),
    ],
)
def test_heads(golden, shared, close, head, variant, reference):
    arrays = golden("golden_f_clf")
    options = json.loads((shared / "golden" / "golden_f_clf.json").read_text(encoding="utf-8"))["cfg"]
    shape = {"num_blocks": 2, "num_heads": 2, "head_dim": 16, "feedforward_dim": options["mixer"], "window": 50}
    encoder = reconstructor(arrays, "enc_w/", "v2", "released", **shape).get_layer("encoder")
    windows = inputs_of(arrays)
    levels = encoder(windows)
    for level, name in zip(levels, ("emb_input", "emb_layer0", "emb_layer1"), strict=True):
        close("f: levels", level, arrays[name], 1e-5)
    model = build_head(head, num_levels=3, dim=32, num_classes=5, hidden=HIDDEN_UNITS, variant=variant)
    assign_classifier(model, arrays)
    if head == "skip":
        model.get_layer("level_mix").gamma.assign(arrays["skip_gamma"])
    pooled = pool(levels, windows)
    logits = model({name: pooled[name] for name in head_module(head).INPUTS})
    close(f"f: logits of {head}, {variant}", logits, arrays[reference], 2e-5)


def test_pooled_features(golden, close):
    arrays = golden("golden_f_clf")
    pooled = pool(
        [arrays[name] for name in ("emb_input", "emb_layer0", "emb_layer1")], {"valid": 1 - arrays["in_mask_in"]}
    )
    close("f: mean", pooled["mean"][:, -1], arrays["fixed_aggregate_avg"], 1e-6)
    close("f: maximum", pooled["max"], arrays["aggregate_max"], 1e-6)
    gamma = np.exp(arrays["skip_gamma"]) / np.exp(arrays["skip_gamma"]).sum()
    mixed = np.einsum("l,bld->bd", gamma, pooled["mean"])
    close("f: mix", mixed, arrays["fixed_aggregate_skip_sum"], 1e-6)


@pytest.mark.parametrize("name", ["base_avgpool", "base_gru", "raw_gru"])
def test_baselines(golden, close, name):
    arrays = golden("golden_f_clf")
    model = build_baseline(name, num_classes=5, units=256, hidden=HIDDEN_UNITS, dim=32, variant="released")
    assign_classifier(model, arrays, "dense0" if name == "base_avgpool" else "dense0_gru")
    if name != "raw_gru":
        projection = model.get_layer("input_embedding").projection
        projection.set_weights([arrays["base_emb/kernel"], arrays["base_emb/bias"]])
    if name != "base_avgpool":
        source = "gru_emb" if name == "base_gru" else "gru_raw"
        gru = [arrays[f"{source}/{kind}"] for kind in ("kernel", "recurrent_kernel", "bias")]
        model.get_layer("gru").set_weights(gru)
    close(f"f: logits of {name}", model(inputs_of(arrays)), arrays[f"logits_{name}"], 2e-5)
