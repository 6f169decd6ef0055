"""A finetuned encoder and the records of one fold and SPC -> pooled representations of all their windows."""

from pathlib import Path
from typing import TYPE_CHECKING

from _entry import logged, write_provenance

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

BATCH_SIZE = 256  # has no influence on the result


def main(model: Path, records: dict[str, Path], embeddings: Path, *, window: int) -> None:
    import polars as pl

    from astromer.data.batches import PAD_MULTIPLE, plain_batches
    from astromer.evaluation.embeddings import embed_windows
    from astromer.files import atomic_path
    from astromer.models.published import load_pretrained

    pretrained = load_pretrained(model.parent)
    encoder = pretrained.model.get_layer("encoder")
    pad_multiple = PAD_MULTIPLE if pretrained.config.ignores_padding else None
    tables = [
        embed_windows(
            encoder, plain_batches([path], window=window, batch_size=BATCH_SIZE, pad_multiple=pad_multiple)
        ).with_columns(subset=pl.lit(subset))
        for subset, path in records.items()
    ]
    with atomic_path(embeddings) as temporary:
        pl.concat(tables).write_parquet(temporary)


if __name__ == "__main__":
    with logged(snakemake.log[0]):
        main(
            Path(snakemake.input.model),
            {subset: Path(snakemake.input[subset]) for subset in ("train", "validation", "test")},
            Path(snakemake.output.embeddings),
            window=snakemake.params.window,
        )
        write_provenance(snakemake)
