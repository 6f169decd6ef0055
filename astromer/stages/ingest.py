"""Stage 1: a survey's dump becomes Parquet."""

import os
import shutil
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from astromer.config.surveys import read_survey
from astromer.files import atomic_path
from astromer.surveys import ingest, sources
from astromer.surveys import parts as sorted_parts

Section = Mapping[str, Any]
UNPACKED = "dump.tar"
PART_SUFFIXES = (".parquet", ".objects.parquet")


def unpack_dump(dump: Path, unpacked: Path, *, catalog: Path | None = None) -> None:
    """Decompress a compressed tar to `dump.tar` in a folder.

    Args:
        dump: the compressed tar.
        unpacked: written: the folder.
        catalog: the catalogue of the survey if it is a file beside the dump; it is copied to the same place beside the
            decompressed one.
    """
    unpacked.mkdir(parents=True, exist_ok=True)
    sources.decompress(dump, unpacked / UNPACKED)
    if catalog:
        beside = unpacked / catalog.relative_to(dump.parent)
        beside.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(catalog, beside)


def read_dump(
    observations: Path,
    objects: Path,
    *,
    survey: Section,
    name: str,
    part: int,
    dump: Path | None = None,
    unpacked: Path | None = None,
) -> None:
    """Read one part of a scattered dump and sort its rows into shards by object; for `unpacked` see `unpack_dump`."""
    section, source = read_survey(survey, name), unpacked / UNPACKED if unpacked else dump
    sorted_parts.read_part(section, observations, objects, name=name, source=source, part=part)


def join_parts(observations: Sequence[Path], objects: Sequence[Path], parts: Path) -> None:
    """Link the files that `read_dump` wrote for all parts into one folder, under their names; else copy them."""
    parts.mkdir(parents=True)
    for path in (*observations, *objects):
        try:
            os.link(path, parts / path.name)
        except OSError:  # not every file system has links
            shutil.copyfile(path, parts / path.name)


def ingest_shard(
    observations: Path,
    objects: Path,
    quality: Path,
    *,
    survey: Section,
    name: str,
    shard: int,
    seed: int,
    dump: Path | None = None,
    unpacked: Path | None = None,
    parts: Path | None = None,
) -> None:
    """Filter one shard of a survey, count what is rejected, and write it sorted.

    Args:
        observations, objects, quality: written, see `astromer.surveys.ingest.Shard`.
        survey: the survey's section of the configuration.
        name: the survey's name.
        shard: index of the shard, from 0.
        seed: seed of a simulated survey.
        dump: the dump, which is read directly; None if the survey is simulated or its dump is scattered.
        unpacked: folder written by `unpack_dump`, in place of a dump that is a compressed tar.
        parts: the folder of the parts of a scattered dump, see `join_parts`.
    """
    section, source = read_survey(survey, name), unpacked / UNPACKED if unpacked else dump
    if parts:
        observed, listed = ([parts / f"{part}{kind}" for part in range(section.parts)] for kind in PART_SUFFIXES)
        raw = partial(sorted_parts.gather_shard, observed, listed, shard)
    else:
        raw = partial(sorted_parts.read_shard, section, name=name, source=source, seed=seed, shard=shard)
    # Read here, so that nothing holds the rows once they are filtered.
    filtered = ingest.ingest_shard(raw(), section, name=name, shard=shard)
    filtered.write(observations=observations, objects=objects, quality=quality)


def merge_survey(
    objects: Sequence[Path],
    shard_quality: Sequence[Path],
    metadata: Path,
    quality: Path,
    examples: Path,
    *,
    survey: Section,
) -> None:
    """Join the small tables of a survey's shards: its objects (`metadata`), quality counts and rejected examples."""
    one_band = read_survey(survey).options.one_band
    counts, rejected = ingest.merge_shards(objects, shard_quality, metadata, one_band=one_band)
    for table, path in ((counts, quality), (rejected, examples)):
        with atomic_path(path) as temporary:
            table.write_csv(temporary)
