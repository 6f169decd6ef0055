"""A pretrained model and light curves that it has not seen -> hidden points of examples, true and predicted."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

from _entry import logged, write_provenance

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(
    model: Path,
    records: Path,
    points: Path,
    *,
    classes: list[str],
    per_class: int,
    window: int,
    masking: dict,
    seed: int,
) -> None:
    from astromer.data.masking import Masking
    from astromer.evaluation.reconstruction import reconstructed_points
    from astromer.files import atomic_path
    from astromer.models.published import load_pretrained

    table = reconstructed_points(
        load_pretrained(model.parent).model,
        records,
        classes=classes,
        per_class=per_class,
        window=window,
        masking=Masking(**masking),
        seed=seed,
    )
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
            masking=json.loads(snakemake.params.masking),
            seed=snakemake.params.seed,
        )
        write_provenance(snakemake)
