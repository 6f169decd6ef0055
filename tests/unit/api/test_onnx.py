"""Exported encoders and classifiers compute what Keras does, also through `light_curve.embed`."""

import keras
import numpy as np
import pytest

import astromer
from astromer.config.encoders import EncoderConfig
from astromer.models.weights import Pretrained

ort = pytest.importorskip("onnxruntime")
onnx = pytest.importorskip("onnx")
pytest.importorskip("tf2onnx")


def test_a_classifier_with_phase_is_exported(columns, kinds, small_v3, tmp_path):
    from astromer.api.onnx import export_onnx

    classifier = astromer.fit_classifier(columns, kinds, small_v3)
    assert export_onnx(classifier, tmp_path / "classifier.onnx") < 1e-5
    session = ort.InferenceSession(tmp_path / "classifier.onnx")
    assert {tensor.name for tensor in session.get_inputs()} == {"input", "times", "mask_in", "periods"}
    assert {tensor.name for tensor in session.get_outputs()} == {"mean", "max", "sequence", "probabilities"}


def test_light_curve_embed_reads_an_encoder_without_phase(stars, tmp_path):
    from astromer.api.onnx import export_onnx

    embed = pytest.importorskip("light_curve.embed")
    keras.utils.set_random_seed(1)
    config = EncoderConfig(architecture="v2", num_blocks=1, num_heads=2, head_dim=8, feedforward_dim=12)
    encoder = Pretrained(astromer.build(config), config)
    rng = np.random.default_rng(0)  # scales of exactly 1 would not be exported
    encoder.model.set_weights([w + rng.normal(0, 0.05, w.shape) for w in encoder.model.get_weights()])
    assert export_onnx(encoder, tmp_path / "encoder.onnx") < 1e-5
    operators = [node.op_type for node in onnx.load(tmp_path / "encoder.onnx").graph.node]
    assert operators.count("LayerNormalization") == 2
    assert "Reciprocal" not in operators  # no normalisation is left in pieces
    model = embed.Astromer2(ort.InferenceSession(tmp_path / "encoder.onnx"))
    found = np.stack([model(star[:, 0], star[:, 1]).squeeze() for star in stars])
    np.testing.assert_allclose(found, astromer.encode(stars, encoder)["embedding"].to_numpy(), atol=1e-5)
