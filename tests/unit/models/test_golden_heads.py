"""Heads whose released mask is inverted: the repaired and the released behaviour equal the original code's."""

import numpy as np
import pytest

from astromer.config.registry import head_arrays
from astromer.models.heads import build_head
from astromer.models.pooling import pool

LEVELS = ("emb_input", "emb_layer0", "emb_layer1")
THEIR_NAMES = {"hidden_0": "dense0", "hidden_1": "dense1", "hidden_2": "dense2", "norm": "layer_norm"}


def logits_of(arrays, head, variant):
    valid = 1 - arrays["in_mask_in"]
    model = build_head(head, num_levels=3, dim=32, num_classes=5, hidden=(1024, 512, 256), variant=variant)
    for ours, theirs in {**THEIR_NAMES, "logits": "output_layer"}.items():
        for variable in model.get_layer(ours).weights:
            variable.assign(arrays[f"mlp/{theirs}/{variable.name}"])
    return model(pool([arrays[name] for name in LEVELS], {"valid": valid}, head_arrays(head, variant)))


@pytest.mark.parametrize(
    ("head", "variant", "reference"),
    [
        ("avg", "paper", "fixed_logits_avg"),
        ("avg", "released", "logits_avg"),
        ("att_avg", "paper", "fixed_logits_att_avg"),
        ("att_cls", "released", "logits_att_cls"),
    ],
)
def test_logits(golden, close, head, variant, reference):
    arrays = golden("golden_f_clf")
    close(f"f: logits of {head}, {variant}", logits_of(arrays, head, variant), arrays[reference], 2e-5)


def test_released_att_avg_differs_only_where_the_original_gives_nan(golden, close):
    """0/0 of a window without padding is 0 here, so that training ends."""
    arrays = golden("golden_f_clf")
    reference, found = arrays["logits_att_avg"], np.asarray(logits_of(arrays, "att_avg", "released"))
    full = (arrays["in_mask_in"] == 0).all(axis=(1, 2))
    assert np.isnan(reference[full]).all()
    close("f: logits of att_avg, released", found[~full], reference[~full], 2e-5)
    np.testing.assert_array_equal(found[full][0], found[full][1])
    assert np.isfinite(found).all()


def test_pooled_vectors(golden, close):
    arrays = golden("golden_f_clf")
    pooled = pool(
        [arrays[name] for name in LEVELS], {"valid": 1 - arrays["in_mask_in"]}, ["padding", "sequence", "valid"]
    )
    close("f: mean over padding", pooled["padding"], arrays["aggregate_avg"], 1e-6)
    model = build_head("att_avg", num_levels=3, dim=32, num_classes=5, hidden=(4,))
    attended = model.get_layer("attended_mean")(pooled["sequence"], pooled["valid"])
    close("f: attended mean", attended, arrays["fixed_aggregate_att_avg"], 1e-6)
