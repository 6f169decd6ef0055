"""Stage 9, for Figs. 10 and 11 and the silhouettes: class separation at each level of an encoder."""

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from astromer.data.batches import PAD_MULTIPLE, plain_batches
from astromer.evaluation.levels import level_maps, level_vectors, silhouettes
from astromer.files import atomic_path
from astromer.models.encoders import num_periods_of
from astromer.models.weights import load_pretrained

BATCH_SIZE = 256  # does not change the result


def analyse_levels(
    models: Sequence[Path],
    tests: Sequence[Path],
    silhouette: Path,
    maps: Path,
    *,
    classes: Sequence[str],
    window: int,
    seed: int,
) -> None:
    """Pool every level of the finetuned encoder of each fold over the fold's test objects.

    Args:
        models: files `model.weights.h5` of the finetuned reconstructors, one per fold.
        tests: records of the test objects, one file per fold.
        silhouette: written: `fold` and the columns of `astromer.evaluation.levels.silhouettes`.
        maps: written: the t-SNE maps of the first fold, see `astromer.evaluation.levels.level_maps`.
        classes: classes in the order of the labels.
        window: observations per window.
        seed: seed of t-SNE.
    """
    tables = []
    for fold, (model, test) in enumerate(zip(models, tests, strict=True)):
        pretrained = load_pretrained(model.parent)
        encoder = pretrained.model.get_layer("encoder")
        pad_multiple = PAD_MULTIPLE if pretrained.config.ignores_padding else None
        options = {"window": window, "batch_size": BATCH_SIZE, "pad_multiple": pad_multiple}
        found = level_vectors(encoder, plain_batches([test], num_periods=num_periods_of(encoder), **options))
        tables.append(silhouettes(found).select(pl.lit(fold).alias("fold"), pl.all()))
        if fold == 0:
            with atomic_path(maps) as temporary:
                level_maps(found, classes, seed=seed).write_parquet(temporary)
    with atomic_path(silhouette) as temporary:
        pl.concat(tables).write_csv(temporary)
