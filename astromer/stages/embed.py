"""Stage 6: representations of the windows of a dataset, computed once and read by every classifier."""

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq

from astromer.data.batches import PAD_MULTIPLE, plain_batches
from astromer.evaluation.embeddings import embed_windows
from astromer.files import atomic_path
from astromer.models.encoders import num_periods_of
from astromer.models.weights import load_pretrained
from astromer.stages.sets import records_of_sets

BATCH_SIZE = 256  # does not change the result


def embed_frozen(
    model: Path,
    objects: Path,
    embeddings: Path,
    *,
    window: int,
    arrays: Sequence[str],
    whole_windows: bool,
    period_error: str = "none",
) -> None:
    """Run an encoder, as it was pretrained, once on all windows of a dataset.

    Args:
        model: file `model.weights.h5` of the pretrained reconstructor, with its `config.json` beside it.
        objects: records of all objects of the dataset.
        embeddings: written; the columns of `astromer.evaluation.embeddings.embed_windows`.
        window: observations per window.
        arrays: arrays to store, see `astromer.models.pooling.pool`: those that the classifiers of the run read.
        whole_windows: pad all windows to `window`, because a head reads the padding.
        period_error: see `astromer.data.phases.PERIOD_ERRORS`; a control.
    """
    with atomic_path(embeddings) as temporary:
        _embed(model, [objects], window, arrays, whole_windows, period_error).write_parquet(temporary)


def embed_finetuned(
    models: Sequence[Path],
    train: Sequence[Path],
    validation: Sequence[Path],
    test: Sequence[Path],
    embeddings: Path,
    *,
    folds: Sequence[int],
    spc: Sequence[int],
    window: int,
    arrays: Sequence[str],
    whole_windows: bool,
) -> None:
    """Run the finetuned encoder of each fold and SPC once on all windows of its objects.

    Args:
        models: files `model.weights.h5` of the finetuned reconstructors, for each fold and SPC, in the order of folds.
        train, validation: records, one file for each model.
        test: records of the test objects, one file per fold, which all SPC share.
        embeddings: written, with the columns `fold` and `spc` before those of `embed_frozen`; one row group per model,
            so that neither this job nor a reader holds more than one model's vectors.
        folds, spc: all folds, and all SPC.
        window, arrays, whole_windows: as for `embed_frozen`.
    """
    with atomic_path(embeddings) as temporary, ExitStack() as stack:
        writer = None
        sets = records_of_sets(folds, spc, train, validation, test)
        for model, (fold, size, records) in zip(models, sets, strict=True):
            keys = [pl.lit(value, pl.Int32).alias(name) for name, value in (("fold", fold), ("spc", size))]
            table = _embed(model, list(records.values()), window, arrays, whole_windows)
            table = table.select(*keys, pl.all()).to_arrow()
            writer = writer or stack.enter_context(pq.ParquetWriter(temporary, table.schema, compression="zstd"))
            writer.write_table(table)


def _embed(
    model: Path,
    records: Sequence[Path],
    window: int,
    arrays: Sequence[str],
    whole_windows: bool,
    period_error: str = "none",
) -> pl.DataFrame:
    pretrained = load_pretrained(model.parent)
    encoder = pretrained.model.get_layer("encoder")
    pad_multiple = PAD_MULTIPLE if pretrained.config.ignores_padding and not whole_windows else None
    batches = plain_batches(
        records,
        window=window,
        batch_size=BATCH_SIZE,
        pad_multiple=pad_multiple,
        num_periods=num_periods_of(encoder),
        period_error=period_error,
    )
    return embed_windows(encoder, batches, arrays, window=window)
