"""Stage 1: a survey's dump becomes Parquet."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from astromer.config.surveys import read_survey
from astromer.files import atomic_path
from astromer.surveys import ingest, parts

Section = Mapping[str, Any]


def read_dump(dump: Path, observations: Path, objects: Path, *, survey: Section, name: str, part: int) -> None:
    """Read one part of a scattered dump and sort its rows into shards by object."""
    parts.read_part(read_survey(survey, name), observations, objects, name=name, source=dump, part=part)


def ingest_shard(
    observations: Path,
    objects: Path,
    quality: Path,
    examples: Path,
    *,
    survey: Section,
    name: str,
    shard: int,
    seed: int,
    dump: Path | None = None,
    sorted_observations: Sequence[Path] = (),
    sorted_objects: Sequence[Path] = (),
) -> None:
    """Filter one shard of a survey, count what is rejected, and write it sorted.

    Args:
        observations, objects, quality, examples: written, see `astromer.surveys.ingest.Shard`.
        survey: the survey's section of the configuration.
        name: the survey's name.
        shard: index of the shard, from 0.
        seed: seed of a simulated survey.
        dump: the dump, which is read directly; None if the survey is simulated or its dump is scattered.
        sorted_observations, sorted_objects: the parts of a scattered dump as `read_dump` wrote them.
    """
    section = read_survey(survey, name)
    if sorted_observations:
        raw = parts.gather_shard(sorted_observations, sorted_objects, shard)
    else:
        raw = parts.read_shard(section, name=name, source=dump, seed=seed, shard=shard)
    filtered = ingest.ingest_shard(raw, section, name=name, shard=shard)
    filtered.write(observations=observations, objects=objects, quality=quality, examples=examples)


def merge_survey(
    objects: Sequence[Path],
    shard_quality: Sequence[Path],
    shard_examples: Sequence[Path],
    metadata: Path,
    quality: Path,
    examples: Path,
    *,
    survey: Section,
) -> None:
    """Join the small tables of a survey's shards: its objects (`metadata`), quality counts and rejected examples."""
    one_band = read_survey(survey).options.one_band
    joined, counts, rejected = ingest.merge_shards(objects, shard_quality, shard_examples, one_band=one_band)
    with atomic_path(metadata) as temporary:
        joined.write_parquet(temporary)
    for table, path in ((counts, quality), (rejected, examples)):
        with atomic_path(path) as temporary:
            table.write_csv(temporary)
