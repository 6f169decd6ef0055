"""From a survey's dump to Parquet, in bounded memory, with every rejected line and object counted.

Two steps, so that a survey larger than memory can be spread over jobs:

1. `read_part` reads one part of the dump and sorts its rows into buckets by object (`bucket_of`).
2. `ingest_shard` gathers one bucket from all parts, applies the filters and writes that shard of the survey.

`merge_shards` then joins the small tables of all shards.
"""

import logging
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq

from astromer.data.readers import READERS
from astromer.data.readers.base import OBJECT_SCHEMA, RAW_SCHEMA, conform
from astromer.errors import InputError
from astromer.files import atomic_path

logger = logging.getLogger(__name__)

OBSERVATION_SCHEMA = {"id": pl.String, "mjd": pl.Float64, "mag": pl.Float32, "err_mag": pl.Float32}
EXAMPLES_PER_RULE = 5
RULES = pl.Enum(
    [
        "unreadable line",
        "missing value",
        "not a finite number",
        "error out of range",
        "second file of the object",
        "time repeated",
        "magnitude beyond percentiles",
    ]
)


@dataclass(frozen=True)
class Shard:
    """One shard of an ingested survey.

    Attributes:
        observations: columns of `OBSERVATION_SCHEMA`, sorted by id and time.
        objects: the kept objects, sorted by id: `OBJECT_SCHEMA`, survey, num_obs and shard.
        quality: number of objects and observations read, kept and rejected by each rule.
        examples: a few rejected objects and observations per rule, with file and line.
    """

    observations: pl.DataFrame
    objects: pl.DataFrame
    quality: pl.DataFrame
    examples: pl.DataFrame


def bucket_of(ids: pl.Series, shards: int) -> pl.Series:
    """Assign each object id to one of `shards` buckets, the same on every machine and in every order."""
    unique = ids.unique()
    buckets = [zlib.crc32(i.encode()) % shards for i in unique]
    return ids.replace_strict(unique, buckets).cast(pl.UInt16)


def read_part(
    survey: dict,
    observations_path: Path,
    objects_path: Path,
    *,
    name: str,
    source: Path | None,
    seed: int,
    part: int,
) -> None:
    """Read one part of a survey's dump into a Parquet file whose row groups each hold rows of one bucket.

    Args:
        survey: the survey's section of the configuration; it has as many parts as `shards`.
        observations_path: written; columns of `RAW_SCHEMA` and `bucket`.
        objects_path: written; what this part tells of objects, columns of `OBJECT_SCHEMA` and `bucket`.
        name: name of the survey, for messages.
        source: file or folder of the dump, None for a simulated survey.
        seed: of the simulated surveys.
        part: which part to read, from 0.
    """
    shards = survey["shards"]
    reader = READERS[survey["format"]]
    batches = reader.read(survey, name=name, source=source, seed=seed, part=part, parts=shards)
    num_rows = 0
    with (
        _bucket_writer(observations_path, RAW_SCHEMA, shards) as write_observations,
        _bucket_writer(objects_path, OBJECT_SCHEMA, shards) as write_objects,
    ):
        for batch in batches:
            write_objects(batch.objects)
            write_observations(batch.observations)
            num_rows += batch.observations.height
            logger.info("%s, part %d of %d: %s observations read", name, part + 1, shards, f"{num_rows:,}")


@contextmanager
def _bucket_writer(path: Path, schema: dict, shards: int) -> Iterator[Callable[[pl.DataFrame], None]]:
    """Yield a function that appends a table to the Parquet file `path`, as a row group for each bucket of its ids."""
    arrow_schema = pl.DataFrame(schema=schema | {"bucket": pl.UInt16}).to_arrow().schema
    text = [name for name, dtype in schema.items() if dtype == pl.String]
    options = {"compression": "lz4", "use_dictionary": text, "write_statistics": ["bucket"]}
    with atomic_path(path) as temporary, pq.ParquetWriter(temporary, arrow_schema, **options) as writer:

        def write(table: pl.DataFrame) -> None:
            rows = table.with_columns(bucket=bucket_of(table["id"], shards))
            for group in rows.partition_by("bucket", maintain_order=True):
                writer.write_table(group.to_arrow().cast(arrow_schema), row_group_size=group.height)

        yield write


def ingest_shard(
    survey: dict, observations_paths: Sequence[Path], objects_paths: Sequence[Path], *, name: str, shard: int
) -> Shard:
    """Gather one bucket from all parts and keep what the survey's filters let through.

    Raises:
        InputError: the dump contradicts itself about an object.
    """
    reader = READERS[survey["format"]]
    filters = survey["filters"]
    of_shard = [pl.scan_parquet(path).filter(pl.col("bucket") == shard).drop("bucket") for path in objects_paths]
    catalog = _one_row_per_object(pl.concat(of_shard).collect(), reader.one_file_per_object, name)
    judged = _judge_observations(_read_bucket(observations_paths, shard), filters, reader.one_file_per_object)
    kept = judged.filter(pl.col("rule").is_null()).select(OBSERVATION_SCHEMA.keys())
    objects = _judge_objects(catalog, judged, kept, filters)
    accepted = objects.filter(pl.col("rule").is_null()).sort("id")
    observations = kept.filter(pl.col("id").is_in(accepted["id"].cast(pl.Categorical).implode()))
    return Shard(
        observations=conform(observations, OBSERVATION_SCHEMA),
        objects=accepted.select(
            "id",
            pl.lit(name).alias("survey"),
            *("class", "band", "ra", "dec", "num_obs"),
            pl.lit(shard, pl.UInt16).alias("shard"),
        ),
        quality=_quality(name, judged, objects, observations.height),
        examples=_examples(name, judged, objects),
    )


def merge_shards(
    objects_paths: Iterable[Path], quality_paths: Iterable[Path], examples_paths: Iterable[Path]
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Join the shards' tables: objects sorted by id, summed quality counts, and a few examples per rule."""
    objects = pl.concat(pl.read_parquet(path) for path in objects_paths).sort("id")
    counts = pl.concat(pl.read_csv(path) for path in quality_paths)
    quality = counts.group_by("survey", "level", "outcome", maintain_order=True).agg(pl.col("count").sum())
    examples = pl.concat(pl.read_csv(path, infer_schema=False) for path in examples_paths)
    return objects, quality, examples.group_by("survey", "level", "rule", maintain_order=True).head(EXAMPLES_PER_RULE)


def _read_bucket(paths: Sequence[Path], bucket: int) -> pl.DataFrame:
    """Read just the row groups of one bucket, sorted by id and time.

    Categorical ids and files take 4 bytes a row, a tenth of what strings do.
    """
    tables = [pl.scan_parquet(path).filter(pl.col("bucket") == bucket) for path in paths]
    rows = pl.concat(tables).select(pl.col("id", "file").cast(pl.Categorical), *list(RAW_SCHEMA)[2:])
    return rows.collect().sort("id", "mjd", "file", "line", nulls_last=True)


def _one_row_per_object(objects: pl.DataFrame, one_file_per_object: bool, name: str) -> pl.DataFrame:
    """Join what the dump tells of each object: its first file, or all of them together, has to say one thing."""
    known = ["class", "band"]
    if one_file_per_object:
        objects = objects.filter(pl.col("file").eq_missing(pl.col("file").min().over("id")))
        contradicting = pl.len() > 1
    else:
        contradicting = pl.any_horizontal(pl.col(known).drop_nulls().n_unique() > 1)
    wrong = objects.group_by("id").agg(contradicting.alias("wrong"), pl.col("file", *known).unique()).filter("wrong")
    if not wrong.is_empty():
        first = wrong.sort("id").row(0, named=True)
        told = "; ".join(f"{column} {', '.join(map(str, first[column]))}" for column in ("file", *known))
        raise InputError(f"survey {name}: there are two rows of object {first['id']} ({told}); expected one")
    return (
        objects.sort("id", "ra", "dec", "file", nulls_last=True)
        .group_by("id", maintain_order=True)
        .agg(pl.exclude("id").drop_nulls().first())
        .drop("file")
    )


def _judge_observations(rows: pl.DataFrame, filters: dict, one_file_per_object: bool) -> pl.DataFrame:
    """Add the column `rule`: the first rule that rejects the row, null where none does."""
    judged = rows.with_columns(rule=_observation_rule(filters, one_file_per_object).cast(RULES))
    judged = judged.with_columns(rule=pl.coalesce("rule", _rejected(_time_repeated(), "time repeated")))
    if filters["clip_percentiles"]:
        clipped = _beyond_percentiles(*filters["clip_percentiles"])
        judged = judged.with_columns(rule=pl.coalesce("rule", _rejected(clipped, "magnitude beyond percentiles")))
    return judged


def _rejected(condition: pl.Expr, rule: str) -> pl.Expr:
    return pl.when(condition).then(pl.lit(rule, RULES))


def _observation_rule(filters: dict, one_file_per_object: bool) -> pl.Expr:
    """Name the first rule that rejects a row by itself, null where none does."""
    numbers = ["mjd", "mag", "err_mag"]
    err = pl.col("err_mag")
    rule = (
        pl.when(pl.any_horizontal(pl.col(numbers).is_null()))
        .then(pl.lit("unreadable line"))
        .when(pl.any_horizontal(pl.col(numbers).is_nan()))
        .then(pl.lit("missing value"))
        .when(pl.any_horizontal(pl.col(numbers).is_infinite()))
        .then(pl.lit("not a finite number"))
        .when((err <= 0) | (err >= filters["max_err_mag"]))
        .then(pl.lit("error out of range"))
    )
    if one_file_per_object:
        rule = rule.when(pl.col("file") != pl.col("file").min().over("id")).then(pl.lit("second file of the object"))
    return rule


def _time_repeated() -> pl.Expr:
    """Hold for every row but the first among an object's not yet rejected rows of the same time (rows are sorted)."""
    accepted = pl.col("rule").is_null()
    same = [pl.col(name) == pl.when(accepted).then(pl.col(name)).forward_fill().shift() for name in ("id", "mjd")]
    return accepted & pl.all_horizontal(same)


def _beyond_percentiles(low: float, high: float) -> pl.Expr:
    """Hold for the not yet rejected rows outside these percentiles of their object's magnitudes."""
    accepted = pl.col("rule").is_null()
    mag = pl.when(accepted).then(pl.col("mag"))
    bounds = [mag.quantile(percentile / 100, "linear").over("id") for percentile in (low, high)]
    return accepted & ~pl.col("mag").is_between(*bounds)


def _judge_objects(catalog: pl.DataFrame, judged: pl.DataFrame, kept: pl.DataFrame, filters: dict) -> pl.DataFrame:
    """One row for each object of the catalogue or the light curves: catalogue columns, file, num_obs and `rule`.

    Lines without an id count as observations alone.
    """
    files = (
        judged.filter(pl.col("id").cast(pl.String) != "")
        .group_by("id")
        .agg(pl.col("file").first())
        .cast({"id": pl.String, "file": pl.String})
    )
    least = filters["variability"] or {}
    moments = [  # undefined ones, as the skewness of equal magnitudes, exceed nothing
        getattr(pl.col("mag"), name)().fill_nan(None).fill_null(float("-inf")).alias(f"mag_{name}") for name in least
    ]
    counts = kept.group_by("id").agg(pl.len().alias("num_obs"), *moments).cast({"id": pl.String})
    objects = (
        catalog.with_columns(listed=True)
        .join(files, on="id", how="full", coalesce=True)
        .join(counts, on="id", how="left")
        .with_columns(pl.col("num_obs").fill_null(0).cast(pl.UInt32))
        .sort("id")
    )
    return objects.with_columns(
        rule=pl.when(pl.col("listed").is_null())
        .then(pl.lit("not in the catalogue"))
        .when(pl.col("file").is_null())
        .then(pl.lit("no light curve"))
        .when(pl.col("num_obs") < filters["min_observations"])
        .then(pl.lit("too few observations"))
        .when(~pl.all_horizontal([pl.col(f"mag_{name}") > bound for name, bound in least.items()] or [pl.lit(True)]))
        .then(pl.lit("not variable enough"))
    )


def _quality(name: str, judged: pl.DataFrame, objects: pl.DataFrame, num_kept: int) -> pl.DataFrame:
    of_rejected_objects = judged.filter(pl.col("rule").is_null()).height - num_kept
    tables = []
    for level, table, lost in (("object", objects, 0), ("observation", judged, of_rejected_objects)):
        rejected = table.filter(pl.col("rule").is_not_null())["rule"].value_counts(sort=True)
        outcomes = {"read": table.height, "kept": table.height - rejected["count"].sum() - lost}
        outcomes |= {f"rejected: {rule}": count for rule, count in rejected.sort("rule").iter_rows()}
        if lost:
            outcomes["rejected: of a rejected object"] = lost
        tables.append(pl.DataFrame({"level": level, "outcome": list(outcomes), "count": list(outcomes.values())}))
    return pl.concat(tables).select(pl.lit(name).alias("survey"), "level", "outcome", "count")


def _examples(name: str, judged: pl.DataFrame, objects: pl.DataFrame) -> pl.DataFrame:
    columns = {"rule": pl.String, "id": pl.String, "file": pl.String, "line": pl.UInt32, "text": pl.String}
    shown = {
        "object": objects.with_columns(line=pl.lit(None), text=pl.lit(None)),
        "observation": judged.filter(pl.col("rule").is_not_null()).with_columns(
            text=pl.coalesce("text", pl.format("{} {} {}", "mjd", "mag", "err_mag"))
        ),
    }
    tables = [
        conform(table.filter(pl.col("rule").is_not_null()), columns)
        .group_by("rule", maintain_order=True)
        .head(EXAMPLES_PER_RULE)
        .select(pl.lit(name).alias("survey"), pl.lit(level).alias("level"), *columns)
        for level, table in shown.items()
    ]
    return pl.concat(tables).sort("level", "rule", maintain_order=True)
