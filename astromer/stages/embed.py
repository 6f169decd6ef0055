"""Stage 6: representations of the windows of a dataset, computed once and read by every classifier."""

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from astromer.data.batches import PAD_MULTIPLE, plain_batches
from astromer.evaluation.embeddings import embed_windows
from astromer.files import atomic_path
from astromer.models.encoders import reads_periods
from astromer.models.weights import load_pretrained

BATCH_SIZE = 256  # does not change the result


def embed_frozen(
    model: Path, objects: Path, embeddings: Path, *, window: int, arrays: Sequence[str], whole_windows: bool
) -> None:
    """Run an encoder, as it was pretrained, once on all windows of a dataset.

    Args:
        model: file `model.keras` of the pretrained reconstructor, with its `config.json` beside it.
        objects: records of all objects of the dataset.
        embeddings: written; the columns of `astromer.evaluation.embeddings.embed_windows`.
        window: observations per window.
        arrays: arrays to store, see `astromer.models.pooling.pool`: those that the classifiers of the run read.
        whole_windows: pad all windows to `window`, because a head reads the padding.
    """
    with atomic_path(embeddings) as temporary:
        _embed(model, [objects], window, arrays, whole_windows).write_parquet(temporary)


def embed_finetuned(
    models: Sequence[Path],
    train: Sequence[Path],
    validation: Sequence[Path],
    test: Path,
    embeddings: Path,
    *,
    spc: Sequence[int],
    window: int,
    arrays: Sequence[str],
    whole_windows: bool,
) -> None:
    """Run the finetuned encoder of each SPC of one fold once on all windows of its objects.

    Args:
        models: files `model.keras` of the finetuned reconstructors, one per SPC.
        train, validation: records, one file per SPC.
        test: records of the test objects, which all SPC share.
        embeddings: written, with the column `spc` before those of `embed_frozen`.
        spc: samples per class of each model.
        window, arrays, whole_windows: as for `embed_frozen`.
    """
    tables = [
        _embed(model, [*sets, test], window, arrays, whole_windows).select(pl.lit(size).alias("spc"), pl.all())
        for size, model, *sets in zip(spc, models, train, validation, strict=True)
    ]
    with atomic_path(embeddings) as temporary:
        pl.concat(tables).write_parquet(temporary)


def _embed(
    model: Path, records: Sequence[Path], window: int, arrays: Sequence[str], whole_windows: bool
) -> pl.DataFrame:
    pretrained = load_pretrained(model.parent)
    encoder = pretrained.model.get_layer("encoder")
    pad_multiple = PAD_MULTIPLE if pretrained.config.ignores_padding and not whole_windows else None
    batches = plain_batches(
        records, window=window, batch_size=BATCH_SIZE, pad_multiple=pad_multiple, phase=reads_periods(encoder)
    )
    return embed_windows(encoder, batches, arrays, window=window)
