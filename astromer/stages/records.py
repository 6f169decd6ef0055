"""Stage 3: write the sets of stage 2 as TFRecords, the input of training."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl

from astromer.data.pieces import light_curve_key
from astromer.data.records import write_manifest, write_records
from astromer.files import atomic_path


def write_pretraining_records(
    observations: Path,
    objects: Path,
    split: Path,
    train: Path,
    validation: Path,
    test: Path,
    manifest: Path,
    *,
    survey: str,
) -> None:
    """Write the training, validation and test objects of pretraining of one shard of a survey as records.

    Args:
        observations, objects: tables of the shard.
        split: sets of pretraining of all surveys.
        train, validation, test, manifest: written.
        survey: name of the survey.
    """
    of_survey = pl.read_parquet(split).filter(pl.col("survey") == survey).select("id", "subset")
    members = pl.read_parquet(objects).join(of_survey, on="id", how="inner")
    table = pl.scan_parquet(observations)
    files = [
        write_records(table, members.filter(pl.col("subset") == subset).sort("id"), path)
        for subset, path in (("train", train), ("validation", validation), ("test", test))
    ]
    write_manifest(manifest, files, None)


def select_observations(observations: Sequence[Path], metadata: Path, split: Path, selected: Path) -> None:
    """Collect the observations of all objects of a dataset's sets in one file.

    Args:
        observations: all shards of the dataset's survey, in the order of their numbers.
        metadata: objects of the survey.
        split: the dataset's sets.
        selected: written; sorted by id, band (where each band is a light curve) and time.
    """
    drawn = pl.scan_parquet(split).select("id").unique()
    of_shard = pl.scan_parquet(metadata).select("id", "shard").join(drawn, on="id").collect().partition_by("shard")
    found = [pl.scan_parquet(observations[0]).head(0).collect()]
    for objects in of_shard:  # one file after another: a scan of all holds several in memory
        rows = pl.scan_parquet(observations[objects["shard"][0]])
        found.append(rows.filter(pl.col("id").is_in(objects["id"].implode())).collect(engine="streaming"))
    table = pl.concat(found)
    with atomic_path(selected) as temporary:
        table.sort(*light_curve_key(table.columns), "mjd").write_parquet(temporary)


def write_dataset_records(
    observations: Path,
    metadata: Path,
    split: Path,
    train: Path,
    validation: Path,
    manifest: Path,
    *,
    classes: Sequence[str],
    fold: int,
    spc: int,
) -> None:
    """Write the training and validation objects of one fold and SPC as records.

    Args:
        observations: the dataset's observations, see `select_observations`.
        metadata: objects of the survey.
        split: the dataset's sets.
        train, validation, manifest: written.
        classes: classes in the order of the labels.
        fold, spc: fold and samples per class of the sets.
    """
    sets = {"train": train, "validation": validation}
    _write_sets(observations, metadata, split, sets, manifest, classes=classes, fold=fold, spc=spc)


def write_test_records(
    observations: Path,
    metadata: Path,
    split: Path,
    test: Path,
    manifest: Path,
    *,
    classes: Sequence[str],
    fold: int,
) -> None:
    """Write the test objects of one fold, which all SPC share; arguments as for `write_dataset_records`."""
    _write_sets(observations, metadata, split, {"test": test}, manifest, classes=classes, fold=fold, spc=None)


def write_object_records(
    observations: Path,
    metadata: Path,
    split: Path,
    objects: Path,
    manifest: Path,
    *,
    classes: Sequence[str],
) -> None:
    """Write every object of a dataset's sets once, for encoders that are the same for all folds and SPC.

    Args:
        observations, metadata, split, manifest, classes: as for `write_dataset_records`.
        objects: written.
    """
    drawn = pl.read_parquet(split).select("id", subset=pl.lit("objects")).unique()
    _write(observations, metadata, drawn, {"objects": objects}, manifest, classes)


def _write_sets(
    observations: Path,
    metadata: Path,
    split: Path,
    sets: Mapping[str, Path],
    manifest: Path,
    *,
    classes: Sequence[str],
    fold: int,
    spc: int | None,
) -> None:
    drawn = pl.read_parquet(split).filter((pl.col("fold") == fold) & pl.col("spc").eq_missing(spc))
    _write(observations, metadata, drawn.select("id", "subset"), sets, manifest, classes)


def _write(
    observations: Path,
    metadata: Path,
    drawn: pl.DataFrame,
    sets: Mapping[str, Path],
    manifest: Path,
    classes: Sequence[str],
) -> None:
    members = pl.read_parquet(metadata).join(drawn, on="id", how="inner")
    ids = members["id"].implode()
    table = pl.read_parquet(observations).filter(pl.col("id").is_in(ids))
    files = [
        write_records(table, members.filter(pl.col("subset") == subset).sort("id"), path, classes=classes)
        for subset, path in sets.items()
    ]
    write_manifest(manifest, files, classes)
