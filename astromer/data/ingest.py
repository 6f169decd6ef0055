"""From a survey's dump to Parquet, in bounded memory, with every rejected line and object counted.

A survey larger than memory is spread over jobs by shards of its objects (`shard_of`):

1. `read_shard` reads one shard from the dump. Where any part of a dump may tell of any object, `read_part` first sorts
   each part's rows into shards, and `gather_shard` then gathers one shard from all parts.
2. `ingest_shard` applies the filters to a shard, and counts what it rejects.
3. `merge_shards` joins the small tables of all shards.
"""

import itertools
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from astromer.data.filters import judge_objects, judge_observations
from astromer.data.readers import READERS
from astromer.data.readers.base import OBJECT_SCHEMA, RAW_SCHEMA, RawBatch, conform, shard_of
from astromer.errors import InputError
from astromer.files import atomic_path

logger = logging.getLogger(__name__)

OBSERVATION_SCHEMA = {"id": pl.String, "mjd": pl.Float64, "mag": pl.Float32, "err_mag": pl.Float32}
EXAMPLES_PER_RULE = 5
BULK_SIZE = 1_000_000  # observations that are sorted into shards at once
SORTED_AT_ONCE = 300_000  # observations
ROW_GROUP_SIZE = 262_144  # observations that a reader of the Parquet file has to hold at once


@dataclass(frozen=True)
class Shard:
    """One shard of an ingested survey.

    Attributes:
        observations: columns of `OBSERVATION_SCHEMA` (with ids as Enum), sorted by id and time.
        objects: the kept objects, sorted by id: `OBJECT_SCHEMA`, survey, num_obs and shard.
        quality: number of objects and observations read, kept and rejected by each rule.
        examples: a few rejected objects and observations per rule, with file and line.
    """

    observations: pl.DataFrame
    objects: pl.DataFrame
    quality: pl.DataFrame
    examples: pl.DataFrame

    def write(self, observations: Path, objects: Path, quality: Path, examples: Path) -> None:
        """Write the first two tables as Parquet and the others as CSV."""
        table = self.observations.to_arrow()
        without_nulls = pa.schema(field.with_nullable(False) for field in table.schema)
        with atomic_path(observations) as temporary:
            # Without its schema in Arrow's terms, a reader takes the ids for the text that they are.
            pq.write_table(
                table.cast(without_nulls),
                temporary,
                row_group_size=ROW_GROUP_SIZE,
                compression="lz4",
                use_dictionary=["id", "err_mag"],
                column_encoding=dict.fromkeys(["mjd", "mag"], "BYTE_STREAM_SPLIT"),
                write_statistics=False,
                store_schema=False,
            )
        with atomic_path(objects) as temporary:
            self.objects.write_parquet(temporary)
        for table, path in ((self.quality, quality), (self.examples, examples)):
            with atomic_path(path) as temporary:
                table.write_csv(temporary)


def read_shard(survey: dict, *, name: str, source: Path | None, seed: int, shard: int) -> RawBatch:
    """Read one shard of a dump whose parts are shards (see `Reader.scattered`).

    Args:
        survey: the survey's section of the configuration.
        name: name of the survey, for messages.
        source: file or folder of the dump, None for a simulated survey.
        seed: of the simulated surveys.
        shard: which shard to read, from 0.
    """
    return _joined(_batches(survey, name, source, seed, shard))


def read_part(
    survey: dict,
    observations_path: Path,
    objects_path: Path,
    *,
    name: str,
    source: Path,
    part: int,
) -> None:
    """Read one part of a survey's dump into a Parquet file whose row groups each hold rows of one shard.

    Args:
        survey: the survey's section of the configuration; it has as many parts as `shards`.
        observations_path: written; columns of `RAW_SCHEMA` and `shard`.
        objects_path: written; what this part tells of objects, columns of `OBJECT_SCHEMA` and `shard`.
        name, source: as for `read_shard`.
        part: which part to read, from 0.
    """
    with (
        _shard_writer(observations_path, RAW_SCHEMA, survey["shards"]) as write_observations,
        _shard_writer(objects_path, OBJECT_SCHEMA, survey["shards"]) as write_objects,
    ):
        for batch in _in_bulk(_batches(survey, name, source, None, part)):
            write_objects(batch.objects)
            write_observations(batch.observations)


def _batches(survey: dict, name: str, source: Path | None, seed: int | None, part: int) -> Iterator[RawBatch]:
    parts, num_rows = survey["shards"], 0
    read = READERS[survey["format"]].read
    for batch in read(survey, name=name, source=source, seed=seed, part=part, parts=parts):
        num_rows += batch.observations.height
        logger.info("%s, part %d of %d: %s observations read", name, part + 1, parts, f"{num_rows:,}")
        yield batch


def _in_bulk(batches: Iterable[RawBatch]) -> Iterator[RawBatch]:
    """Join batches until they hold `BULK_SIZE` observations: a row group for each shard of less is mostly overhead."""
    waiting, size = [], 0
    for batch in batches:
        waiting.append(batch)
        size += batch.observations.height
        if size >= BULK_SIZE:
            yield _joined(waiting)
            waiting, size = [], 0
    yield _joined(waiting)


def _joined(batches: Iterable[RawBatch]) -> RawBatch:
    batches = [RawBatch.of(), *batches]
    return RawBatch(pl.concat(batch.objects for batch in batches), pl.concat(batch.observations for batch in batches))


@contextmanager
def _shard_writer(path: Path, schema: dict, shards: int) -> Iterator[Callable[[pl.DataFrame], None]]:
    """Yield a function that appends a table to the Parquet file `path`, as a row group for each shard of its ids."""
    # Plain text, because each row group of a Categorical would hold all categories there are.
    stored = {name: pl.String if dtype == pl.Categorical else dtype for name, dtype in schema.items()}
    arrow_schema = pl.DataFrame(schema=stored | {"shard": pl.UInt16}).to_arrow().schema
    text = [name for name, dtype in stored.items() if dtype == pl.String]
    options = {"compression": "lz4", "use_dictionary": text, "write_statistics": ["shard"]}
    with atomic_path(path) as temporary, pq.ParquetWriter(temporary, arrow_schema, **options) as writer:

        def write(table: pl.DataFrame) -> None:
            ids = table["id"].unique()
            shard = table["id"].replace_strict(ids, [shard_of(i, shards) for i in ids], return_dtype=pl.UInt16)
            for group in table.with_columns(shard=shard).partition_by("shard", maintain_order=True):
                writer.write_table(group.cast(stored).to_arrow().cast(arrow_schema), row_group_size=group.height)

        yield write


def gather_shard(observations_paths: Sequence[Path], objects_paths: Sequence[Path], shard: int) -> RawBatch:
    """Read the row groups of one shard from the files that `read_part` has written of all parts."""
    return RawBatch(
        pl.concat(_row_groups_of_shard(path, OBJECT_SCHEMA, shard) for path in objects_paths),
        pl.concat(_row_groups_of_shard(path, RAW_SCHEMA, shard) for path in observations_paths),
    )


def _row_groups_of_shard(path: Path, schema: dict, shard: int) -> pl.DataFrame:
    """Read from one file what `_shard_writer` has written of a shard.

    The row groups are picked here: a scan with a filter holds several files at once, the more the larger the survey.
    """
    with pq.ParquetFile(path) as file:
        column = file.schema_arrow.get_field_index("shard")
        groups = range(file.num_row_groups)
        wanted = [group for group in groups if file.metadata.row_group(group).column(column).statistics.min == shard]
        return conform(pl.from_arrow(file.read_row_groups(wanted, columns=list(schema))), schema)


def ingest_shard(raw: RawBatch, survey: dict, *, name: str, shard: int) -> Shard:
    """Keep what the survey's filters let through of one shard.

    Raises:
        InputError: the dump contradicts itself about an object.
    """
    reader = READERS[survey["format"]]
    filters = survey["filters"]
    catalog = _one_row_per_object(raw.objects, reader.one_file_per_object, name)
    origins = _origins(raw.observations)
    files = origins.cast(pl.String).filter(pl.col("id") != "").sort("id", "file")  # lines without an id have no object
    rows, in_order = _sorted(_numbered(raw.observations, origins["id"].unique()))
    judged = judge_observations(rows, filters, files if reader.one_file_per_object else None, repeats=not in_order)
    kept = _where(judged, pl.col("rule").is_null()).select(OBSERVATION_SCHEMA.keys())
    objects = judge_objects(catalog, files, kept, filters)
    accepted = objects.filter(pl.col("rule").is_null())
    lost = objects.filter(pl.col("rule").is_not_null(), pl.col("num_obs") > 0)
    observations = _where(kept, ~pl.col("id").is_in(lost["id"].cast(kept["id"].dtype).implode()))
    return Shard(
        observations=observations,
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


def _origins(rows: pl.DataFrame) -> pl.DataFrame:
    """List the pairs of id and file that there are."""

    def starts(chunk: pl.DataFrame) -> pl.DataFrame:
        """Leave out the rows of the same origin as the row before."""
        codes = (chunk[name].to_physical().to_numpy() for name in ("id", "file"))
        changes = np.logical_or(*(code[1:] != code[:-1] for code in codes))
        return chunk.select("id", "file")[np.flatnonzero(np.append(chunk.height > 0, changes))]

    return pl.concat(starts(chunk) for chunk in _chunks(rows)).unique()


def _numbered(rows: pl.DataFrame, known: pl.Series) -> pl.DataFrame:
    """Turn the ids, which are all `known`, into an Enum in the order of their text.

    An Enum compares by number instead of by text. A cast to it would look up the text of each row.
    """
    names = known.cast(pl.String)
    enum = pl.Enum(names.sort())
    numbers = names.cast(enum).to_physical()
    number_of_code = np.zeros(known.to_physical().max() + 1 if len(known) else 0, np.uint32)
    number_of_code[known.to_physical()] = numbers
    number_of_code = pl.Series(number_of_code).cast(numbers.dtype)
    ids = [number_of_code.gather(chunk["id"].to_physical()) for chunk in _chunks(rows)]
    return rows.with_columns(pl.concat(ids).cat.to(enum).alias("id"))


def _sorted(rows: pl.DataFrame) -> tuple[pl.DataFrame, bool]:
    """Sort rows, whose ids are an Enum, by id and time; tell if they were in order, no time repeated: most are."""
    in_order = all(_in_order(chunk) for chunk in _chunks(rows, overlap=1))
    if not in_order:
        files = pl.Enum(rows["file"].unique().cast(pl.String).sort())
        rows = rows.with_columns(pl.col("file").cast(files))
        # Blocks of ids are sorted one by one: a sort of all rows at once takes twice as long and five times the memory.
        ids_per_block = max(1, len(rows["id"].dtype.categories) * SORTED_AT_ONCE // rows.height)
        block_of_row = rows["id"].to_physical() // ids_per_block
        rows = pl.concat(
            rows.filter(block_of_row == block).sort("id", "mjd", "file", "line", nulls_last=True)
            for block in range(block_of_row.max() + 1)
        )
    return rows.with_columns(pl.col("id").set_sorted()), in_order


def _in_order(rows: pl.DataFrame) -> bool:
    """Tell whether ids never fall and the times of each rise; a missing time, here NaN, does not."""
    number, mjd = rows["id"].to_physical().to_numpy(), rows["mjd"].to_numpy()
    return bool(np.all((number[:-1] < number[1:]) | (number[:-1] == number[1:]) & (mjd[:-1] < mjd[1:])))


def _chunks(rows: pl.DataFrame, overlap: int = 0) -> list[pl.DataFrame]:
    """Cut a table where its columns are cut in memory, for polars copies what is cut otherwise; at least one chunk."""
    ends = [0, *itertools.accumulate(rows["id"].chunk_lengths())]
    return [rows.slice(start, end - start + overlap) for start, end in itertools.pairwise(ends)] or [rows]


def _where(rows: pl.DataFrame, condition: pl.Expr) -> pl.DataFrame:
    """Filter rows, at no cost where all of them pass, as in a clean dump."""
    mask = rows.select(condition).to_series()
    return rows if mask.all() else rows.filter(mask)


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
