"""A survey and a dataset's split -> TFRecords of one fold: the sets of one SPC, or the test set."""

from pathlib import Path
from typing import TYPE_CHECKING

from _entry import logged

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(
    observations: list[Path],
    metadata: Path,
    split: Path,
    subsets: dict[str, Path],
    manifest: Path,
    *,
    classes: list[str],
    fold: int,
    spc: int | None,
) -> None:
    import polars as pl

    from astromer.data.records import write_manifest, write_records

    drawn = pl.read_parquet(split).filter((pl.col("fold") == fold) & pl.col("spc").eq_missing(spc))
    members = pl.read_parquet(metadata).join(drawn.select("id", "subset"), on="id", how="inner")
    ids = members["id"].implode()
    table = pl.concat(pl.scan_parquet(path).filter(pl.col("id").is_in(ids)) for path in observations).collect()
    files = [
        write_records(
            table.sort("id", "mjd"), members.filter(pl.col("subset") == subset).sort("id"), path, classes=classes
        )
        for subset, path in subsets.items()
    ]
    write_manifest(manifest, files, classes)


if __name__ == "__main__":
    with logged(snakemake.log[0]):
        main(
            [Path(path) for path in snakemake.input.observations],
            Path(snakemake.input.metadata),
            Path(snakemake.input.split),
            {subset: Path(path) for subset, path in snakemake.output.items() if subset != "manifest"},
            Path(snakemake.output.manifest),
            classes=snakemake.params.classes,
            fold=snakemake.params.fold,
            spc=snakemake.params.spc,
        )
