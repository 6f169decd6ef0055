"""The encoder in scikit-learn's pipelines, and as a representation of origami-astro."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.utils import estimator_checks

import astromer

CHECKS = [  # of `check_estimator`: those that give no matrix of numbers as input
    "check_estimator_cloneable",
    "check_estimator_repr",
    "check_no_attributes_set_in_init",
    "check_parameters_default_constructible",
    "check_get_params_invariance",
    "check_set_params",
    "check_estimator_tags_renamed",
    "check_valid_tag_types",
]


@pytest.mark.parametrize("check", CHECKS)
def test_checks_of_scikit_learn(check):
    getattr(estimator_checks, check)("AstromerEncoder", astromer.AstromerEncoder())


def test_a_pipeline_is_fitted_and_cross_validated(stars, kinds, small_v3):
    pipeline = make_pipeline(astromer.AstromerEncoder(small_v3), LogisticRegression(max_iter=1000))
    labels = list(kinds.values())
    assert clone(pipeline).fit(stars, labels).score(stars, labels) > 0.9
    assert len(cross_val_score(pipeline, stars, labels, cv=2)) == 2


def test_vectors_are_those_of_encode(stars, columns, small_v3):
    encoder = astromer.AstromerEncoder(small_v3, layer=0).fit(stars)
    expected = astromer.encode(stars, small_v3, layer=0)["embedding"].to_numpy()
    np.testing.assert_array_equal(encoder.transform(pd.DataFrame(columns)), expected)
    assert len(encoder.get_feature_names_out()) == expected.shape[1]


def test_every_library_gives_an_array(columns, small_v3):
    encoder = astromer.AstromerEncoder(small_v3)
    expected = encoder.transform(pl.DataFrame(columns))
    for kind in (pd.DataFrame, pa.table):
        found = encoder.transform(kind(columns))
        assert found.dtype == np.float32
        np.testing.assert_array_equal(found, expected)


def test_light_curves_of_origami_are_embedded(stars, small_v3):
    class LightCurves:  # what origami-astro passes to `transform`, and no more of it
        def __init__(self, curves):
            self.curves = curves

        def __len__(self):
            return len(self.curves)

        def __iter__(self):
            return iter(self.curves)

        def __contains__(self, curve):
            return curve in self.curves

    curves = LightCurves([SimpleNamespace(time=star[:, 0], mag=star[:, 1], err=None) for star in stars])
    found = astromer.AstromerEncoder(small_v3).transform(curves)
    np.testing.assert_array_equal(found, astromer.encode(stars, small_v3)["embedding"].to_numpy())
