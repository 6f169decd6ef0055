"""Small tables of a survey's shards -> one table each."""

from pathlib import Path
from typing import TYPE_CHECKING

from _entry import logged, write_provenance

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(inputs: dict[str, list[Path]], metadata: Path, quality: Path, examples: Path) -> None:
    from astromer.data.ingest import merge_shards
    from astromer.files import atomic_path

    objects, counts, rejected = merge_shards(inputs["objects"], inputs["quality"], inputs["examples"])
    with atomic_path(metadata) as temporary:
        objects.write_parquet(temporary)
    for table, path in ((counts, quality), (rejected, examples)):
        with atomic_path(path) as temporary:
            table.write_csv(temporary)


if __name__ == "__main__":
    with logged(snakemake.log[0]):
        main(
            {name: [Path(path) for path in paths] for name, paths in snakemake.input.items()},
            Path(snakemake.output.metadata),
            Path(snakemake.output.quality),
            Path(snakemake.output.examples),
        )
        write_provenance(snakemake)
