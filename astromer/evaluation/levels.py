"""Class separation at each level of an encoder: silhouettes, t-SNE maps (Figs. 10 and 11) and gamma (Fig. 9)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import polars as pl
import tensorflow as tf
from sklearn.manifold import TSNE
from sklearn.metrics import silhouette_score
from sklearn.preprocessing import StandardScaler

from astromer.errors import InputError
from astromer.models.encoders import model_inputs
from astromer.models.pooling import masked_max, masked_mean, masked_std

POOLINGS = {"mean": masked_mean, "std": masked_std, "max": masked_max}
PERPLEXITY = 30.0  # published; smaller for fewer than 91 objects
METRIC = "cosine"  # published


@dataclass(frozen=True)
class LevelVectors:
    """Vectors of objects, one per level and pooling.

    Attributes:
        ids: ids of the objects, sorted.
        labels: their labels, `(objects,)`.
        vectors: by pooling (a key of `POOLINGS`), one array `(objects, dim)` for each level. Level 0 is the encoder's
            input embedding, level k the output of block k.
    """

    ids: list[str]
    labels: np.ndarray
    vectors: Mapping[str, Sequence[np.ndarray]]


def level_vectors(encoder: keras.Model, batches: Iterable[Mapping[str, Any]]) -> LevelVectors:
    """Pool every level over the real points of each window, and average the windows of an object by their lengths.

    Args:
        encoder: model `encoder`.
        batches: batches of `astromer.data.batches.plain_batches`.

    Raises:
        InputError: there are no windows.
    """

    @tf.function(reduce_retracing=True)
    def pooled(inputs: Mapping[str, tf.Tensor]) -> dict[str, list[tf.Tensor]]:
        levels = encoder(inputs, training=False)
        return {name: [pool(level, inputs["valid"]) for level in levels] for name, pool in POOLINGS.items()}

    rows: list[dict[str, list[np.ndarray]]] = []
    identities: list[tuple[np.ndarray, ...]] = []
    for batch in batches:
        arrays = pooled(model_inputs(encoder, batch))
        rows.append({name: [level.numpy() for level in levels] for name, levels in arrays.items()})
        identities.append(tuple(batch[key].numpy() for key in ("id", "label", "length")))
    if not rows:
        raise InputError("levels: the records hold no windows")
    names, labels, lengths = (np.concatenate(column) for column in zip(*identities, strict=True))
    ids, first, place = np.unique(names, return_index=True, return_inverse=True)
    shares = np.zeros((len(ids), len(names)), "float32")
    shares[place, np.arange(len(names))] = lengths
    shares /= shares.sum(axis=1, keepdims=True)
    vectors = {
        name: [shares @ np.concatenate([row[name][level] for row in rows]) for level in range(len(rows[0][name]))]
        for name in POOLINGS
    }
    return LevelVectors([name.decode() for name in ids], labels[first], vectors)


def silhouettes(found: LevelVectors) -> pl.DataFrame:
    """Compute the silhouette of the true classes (cosine distance of standardised vectors) per level and pooling.

    It is 1 where objects of a class are close together and far from other classes, and 0 or less where classes mix.

    Returns:
        `pooling`, `level`, `silhouette`, `objects`. The silhouette is null with fewer than two classes.
    """
    several = len(np.unique(found.labels)) > 1
    rows = [
        (
            pooling,
            level,
            float(silhouette_score(_standardised(vectors), found.labels, metric=METRIC)) if several else None,
            len(found.ids),
        )
        for pooling, levels in found.vectors.items()
        for level, vectors in enumerate(levels)
    ]
    return pl.DataFrame(rows, schema=["pooling", "level", "silhouette", "objects"], orient="row")


def level_maps(found: LevelVectors, classes: Sequence[str], *, seed: int) -> pl.DataFrame:
    """Map the objects to the plane by t-SNE, each level by itself, from standardised means over time.

    Args:
        found: vectors of the objects.
        classes: the dataset's ordered class list.
        seed: seed of t-SNE.

    Returns:
        `level`, `id`, `class`, `x`, `y`; distances between groups and the axes of a map have no meaning.
    """
    perplexity = min(PERPLEXITY, (len(found.ids) - 1) / 3)
    tables = []
    for level, vectors in enumerate(found.vectors["mean"]):
        places = TSNE(perplexity=perplexity, random_state=seed).fit_transform(_standardised(vectors))
        columns = {"id": found.ids, "class": [classes[label] for label in found.labels]}
        tables.append(pl.DataFrame({"level": level, **columns, "x": places[:, 0], "y": places[:, 1]}))
    return pl.concat(tables)


def _standardised(vectors: np.ndarray) -> np.ndarray:
    return StandardScaler().fit_transform(vectors.astype("float64"))


def gamma_rows(head: keras.Model) -> pl.DataFrame:
    """Return `level`, `gamma` (the variable) and `weight` (its softmax, which mixes the levels) of a head `skip`."""
    mix = head.get_layer("level_mix")
    gamma, weight = (keras.ops.convert_to_numpy(values) for values in (mix.gamma, mix.level_weights()))
    return pl.DataFrame({"level": np.arange(len(gamma)), "gamma": gamma, "weight": weight})
