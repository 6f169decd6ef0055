"""One shard of a survey and the pretraining split -> TFRecords of its training, validation and test objects."""

from pathlib import Path
from typing import TYPE_CHECKING

from _entry import logged

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(
    observations: Path, objects: Path, split: Path, subsets: dict[str, Path], manifest: Path, *, survey: str
) -> None:
    import polars as pl

    from astromer.data.records import write_manifest, write_records

    members = pl.read_parquet(objects).join(
        pl.read_parquet(split).filter(pl.col("survey") == survey).select("id", "subset"), on="id", how="inner"
    )
    table = pl.scan_parquet(observations)
    files = [
        write_records(table, members.filter(pl.col("subset") == subset).sort("id"), path)
        for subset, path in subsets.items()
    ]
    write_manifest(manifest, files, None)


if __name__ == "__main__":
    with logged(snakemake.log[0]):
        main(
            Path(snakemake.input.observations),
            Path(snakemake.input.objects),
            Path(snakemake.input.split),
            {subset: Path(snakemake.output[subset]) for subset in ("train", "validation", "test")},
            Path(snakemake.output.manifest),
            survey=snakemake.wildcards.survey,
        )
