"""Stage 6: representations of the windows of a dataset, computed once and read by every head."""

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from astromer.data.batches import PAD_MULTIPLE, plain_batches
from astromer.evaluation.embeddings import embed_windows
from astromer.files import atomic_path
from astromer.models.encoders import reads_periods
from astromer.models.weights import load_pretrained

BATCH_SIZE = 256  # does not change the result


def embed_dataset(
    model: Path,
    train: Path,
    validation: Path,
    test: Path,
    embeddings: Path,
    *,
    window: int,
    arrays: Sequence[str],
    whole_windows: bool,
) -> None:
    """Run the frozen encoder once on all windows of one fold and SPC.

    Args:
        model: file `model.keras` of the finetuned reconstructor, with its `config.json` beside it.
        train, validation, test: records of the fold and SPC.
        embeddings: written; the columns of `astromer.evaluation.embeddings.embed_windows` and `subset`.
        window: observations per window.
        arrays: arrays to store, see `astromer.models.pooling.pool`: those that the heads of the run read.
        whole_windows: pad all windows to `window`, because a head reads the padding.
    """
    pretrained = load_pretrained(model.parent)
    encoder = pretrained.model.get_layer("encoder")
    pad_multiple = PAD_MULTIPLE if pretrained.config.ignores_padding and not whole_windows else None
    options = {
        "window": window,
        "batch_size": BATCH_SIZE,
        "pad_multiple": pad_multiple,
        "phase": reads_periods(encoder),
    }
    tables = [
        embed_windows(
            encoder,
            plain_batches([path], **options),
            arrays,
            window=window,
        ).with_columns(subset=pl.lit(subset))
        for subset, path in (("train", train), ("validation", validation), ("test", test))
    ]
    with atomic_path(embeddings) as temporary:
        pl.concat(tables).write_parquet(temporary)
