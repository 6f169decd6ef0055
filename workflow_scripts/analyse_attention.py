"""A finetuned encoder and the objects that it learned from -> attention of the points of example light curves."""

from pathlib import Path
from typing import TYPE_CHECKING

from _entry import logged, write_provenance

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(
    model: Path, records: Path, points: Path, *, classes: list[str], per_class: int, window: int, seed: int
) -> None:
    from astromer.evaluation.attention import attention_points
    from astromer.files import atomic_path
    from astromer.models.published import load_pretrained

    encoder = load_pretrained(model.parent).model.get_layer("encoder")
    table = attention_points(encoder, records, classes=classes, per_class=per_class, window=window, seed=seed)
    with atomic_path(points) as temporary:
        table.write_parquet(temporary)


if __name__ == "__main__":
    with logged(snakemake.log[0]):
        main(
            Path(snakemake.input.model),
            Path(snakemake.input.records),
            Path(snakemake.output.points),
            classes=snakemake.params.classes,
            per_class=snakemake.params.per_class,
            window=snakemake.params.window,
            seed=snakemake.params.seed,
        )
        write_provenance(snakemake)
