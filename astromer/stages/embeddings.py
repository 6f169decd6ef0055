"""Stage 10: one vector per object of a survey, labelled or not, in memory that does not depend on its size."""

from collections.abc import Callable, Sequence
from pathlib import Path

import polars as pl

from astromer.config.datasets import PROBE_ARRAYS
from astromer.data.batches import PAD_MULTIPLE
from astromer.data.curves import table_batches
from astromer.data.pieces import whole_objects
from astromer.evaluation.classical import object_vectors
from astromer.evaluation.embeddings import window_embedder
from astromer.files import write_pieces
from astromer.models.encoders import num_periods_of
from astromer.models.weights import load_pretrained

ROWS_AT_ONCE = 2**16  # observations embedded at once: bounds the memory
BATCH_SIZE = 256  # does not change the result


def embed_survey(model: Path, observations: Path, embeddings: Path, *, window: int) -> None:
    """Embed every object of one shard of a survey.

    Args:
        model: file `model.weights.h5` of the pretrained reconstructor, with its `config.json` beside it.
        observations: table of the shard.
        embeddings: written; one row per object, in the order of the shard: `id`, `length` (observations) and `vector`,
            float32 `(3 D + 1,)`, the means over the object's windows of `astromer.evaluation.classical.object_vectors`.
        window: observations per window.
    """
    embed, dim = shard_embedder(model, PROBE_ARRAYS, window=window)
    columns = {"id": pl.String(), "length": pl.UInt32(), "vector": pl.Array(pl.Float32, 3 * dim + 1)}

    def vectors(rows: pl.DataFrame) -> pl.DataFrame:
        lengths = rows.group_by("id", maintain_order=True).agg(pl.len().alias("length"))
        return lengths.join(object_vectors(embed(rows)), on="id", how="left", maintain_order="left")

    write_pieces(embeddings, columns, map(vectors, whole_objects(pl.scan_parquet(observations), ROWS_AT_ONCE)))


def shard_embedder(
    model: Path, arrays: Sequence[str], *, window: int, whole_windows: bool = False
) -> tuple[Callable[[pl.DataFrame], pl.DataFrame], int]:
    """Return the function from observations to the embeddings of their windows, and the width D of these.

    Args:
        model: as for `embed_survey`.
        arrays: arrays of `astromer.models.pooling.pool` to keep.
        window: observations per window.
        whole_windows: pad all windows to `window`, because a head reads the padding.
    """
    pretrained = load_pretrained(model)
    encoder = pretrained.model.get_layer("encoder")
    pad_multiple = PAD_MULTIPLE if pretrained.config.ignores_padding and not whole_windows else None
    num_periods = num_periods_of(encoder)
    embed_batch = window_embedder(encoder, arrays, window=window)

    def embed(rows: pl.DataFrame) -> pl.DataFrame:
        batches = table_batches(
            rows, window=window, batch_size=BATCH_SIZE, pad_multiple=pad_multiple, num_periods=num_periods
        )
        return pl.concat(embed_batch(batch) for batch in batches)

    return embed, encoder.outputs[-1].shape[-1]
