"""`astromer.encode` with an encoder that reads periods: those of whole light curves, whatever the batch."""

import numpy as np

import astromer

SMALL = {"architecture": "v3", "num_blocks": 1, "num_heads": 2, "head_dim": 8, "feedforward_dim": 12}


def light_curves():
    rng = np.random.default_rng(0)
    curves = []
    for length, period in ((50, 0.7), (3, 1.0), (120, 30.0)):
        mjd = np.sort(rng.uniform(52000, 52400, length))
        curves.append(np.stack([mjd, 12 + np.sin(2 * np.pi * mjd / period)], axis=1))
    return curves


def test_vectors_depend_neither_on_the_batch_nor_on_an_offset_of_all_times():
    model = astromer.build(SMALL)
    curves = light_curves()
    vectors = astromer.encode(curves, model, window=40, batch_size=256)["embedding"].to_numpy()
    assert np.isfinite(vectors).all()
    np.testing.assert_allclose(astromer.encode(curves, model, window=40, batch_size=1)["embedding"], vectors, atol=1e-5)
    shifted = [curve + np.array([1000.0, 0.0]) for curve in curves]
    np.testing.assert_allclose(astromer.encode(shifted, model, window=40)["embedding"], vectors, atol=1e-2)
