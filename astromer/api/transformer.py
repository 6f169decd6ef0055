"""The encoder as a transformer of scikit-learn."""

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import polars as pl
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import Tags

from astromer.api.encoding import encode, encoder_and_window
from astromer.api.pretrained import DEFAULT_MODEL, resolve


class AstromerEncoder(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Embed light curves in a pipeline: `make_pipeline(AstromerEncoder(), LogisticRegression())`.

    The encoder is frozen: `fit` loads it and learns nothing. A sample is a light curve, so the input is none of the
    matrices that scikit-learn's own estimators take. Lists of arrays can be split by scikit-learn's cross-validation.

    It is also a representation for origami-astro: `transform` takes its `LightCurves`, and `name` is its name there.
    The arguments are those of `astromer.encode`.
    """

    def __init__(
        self,
        model: Any = DEFAULT_MODEL,
        *,
        columns: Mapping[str, str] | None = None,
        layer: int = -1,
        window: int | None = None,
        batch_size: int = 256,
    ) -> None:
        self.model = model
        self.columns = columns
        self.layer = layer
        self.window = window
        self.batch_size = batch_size

    @property
    def name(self) -> str:
        """Name for tables of origami-astro."""
        return f"astromer[{self.model}]" if isinstance(self.model, str) else "astromer"

    def fit(self, light_curves: Any, y: Any = None) -> Self:
        """Load the encoder; nothing is learned from the light curves or from `y`."""
        encoder, _ = encoder_and_window(resolve(self.model))
        self._n_features_out = encoder.outputs[self.layer].shape[-1]
        return self

    def transform(self, light_curves: Any) -> np.ndarray:
        """Return the embeddings, float32 `(stars, dim)`, in the order of the light curves; see `astromer.encode`."""
        table = encode(
            light_curves,
            resolve(self.model),
            columns=self.columns,
            layer=self.layer,
            window=self.window,
            batch_size=self.batch_size,
        )
        column = table["embedding"]
        if isinstance(column, pl.Series):
            return column.to_numpy()
        vectors = column.to_pylist() if hasattr(column, "to_pylist") else column  # of pyarrow, of pandas
        return np.stack(vectors).astype(np.float32)

    def __sklearn_is_fitted__(self) -> bool:
        """The encoder is trained: nothing has to be fitted before `transform`."""
        return True

    def __sklearn_tags__(self) -> Tags:
        """Describe the input: light curves, not a matrix."""
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.no_validation = True
        tags.requires_fit = False
        return tags
