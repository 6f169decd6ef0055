"""Stage 9, for Figs. 9 to 11 and the silhouettes: what the levels of an encoder know, and how the head mixes them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import polars as pl

from astromer.data.batches import PAD_MULTIPLE, plain_batches
from astromer.evaluation.levels import gamma_rows, level_maps, level_vectors, silhouettes
from astromer.files import atomic_path
from astromer.models.encoders import reads_periods
from astromer.models.heads import skip  # noqa: F401 - registers the layer that holds gamma
from astromer.models.weights import load_pretrained

BATCH_SIZE = 256  # does not change the result
GAMMA_SCHEMA = pl.Schema(
    {
        "dataset": pl.String,
        "fold": pl.Int64,
        "spc": pl.Int64,
        "level": pl.Int64,
        "gamma": pl.Float64,
        "weight": pl.Float64,
    }
)


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
        models: files `model.keras` of the finetuned reconstructors, one per fold.
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
        found = level_vectors(encoder, plain_batches([test], phase=reads_periods(encoder), **options))
        tables.append(silhouettes(found).select(pl.lit(fold).alias("fold"), pl.all()))
        if fold == 0:
            with atomic_path(maps) as temporary:
                level_maps(found, classes, seed=seed).write_parquet(temporary)
    with atomic_path(silhouette) as temporary:
        pl.concat(tables).write_csv(temporary)


def measure_gammas(
    gammas: Path, *, sources: Sequence[Mapping[str, Any]], head: str | None, models: Sequence[Path] = ()
) -> None:
    """Read gamma from the trained heads `skip`.

    Args:
        gammas: written: `dataset`, `fold`, `spc` and the columns of `astromer.evaluation.levels.gamma_rows`; without
            rows if the run has no head `skip`.
        sources: for each folder of `models`, `dataset`, `fold` and the list `spc`.
        head: name of the head `skip` in the run, or None.
        models: folders of trained heads, with the files `spc<spc>/<name of the head>.keras`.
    """
    tables = [GAMMA_SCHEMA.to_frame()]
    for folder, source in zip(models, sources, strict=True) if head else ():
        for spc in source["spc"]:
            rows = gamma_rows(keras.models.load_model(folder / f"spc{spc}/{head}.keras", compile=False))
            keys = {"dataset": source["dataset"], "fold": source["fold"], "spc": spc}
            named = rows.with_columns(**{name: pl.lit(value) for name, value in keys.items()})
            tables.append(named.select(GAMMA_SCHEMA.names()).cast(GAMMA_SCHEMA))
    with atomic_path(gammas) as temporary:
        pl.concat(tables).write_csv(temporary)
