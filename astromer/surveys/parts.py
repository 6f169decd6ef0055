"""Read a survey's dump in bounded memory: one shard of its objects at a time.

In some formats, each part of a dump contains all rows of its objects and is therefore a shard, which `read_shard` reads
directly. In the others (`scattered`), a part may contain rows of any object: `read_part` sorts the rows of each part
into shards, and `gather_shard` then collects one shard from all parts.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq

from astromer.config.surveys import Survey
from astromer.files import atomic_path
from astromer.surveys.losses import LOSS_SCHEMA
from astromer.surveys.readers import reader_module
from astromer.surveys.reading import OBJECT_SCHEMA, RawBatch, conform, from_arrow, raw_schema, shard_of

logger = logging.getLogger(__name__)

BULK_SIZE = 1_000_000  # observations sorted into shards at once: larger row groups, at the cost of memory

LOSSES_KEY = "losses"


def read_shard(survey: Survey, *, name: str, source: Path | None, seed: int | None, shard: int) -> RawBatch:
    """Read one shard of a dump whose parts are shards (`scattered` is False in its options).

    Args:
        survey: the survey's configuration.
        name: name of the survey, for messages.
        source: file or folder of the dump, None for a simulated survey.
        seed: seed of a simulated survey; None for a survey that is read from a dump.
        shard: index of the shard, from 0.
    """
    return _joined(_batches(survey, name, source, seed, shard), _schema(survey))


def read_part(
    survey: Survey,
    observations_path: Path,
    objects_path: Path,
    *,
    name: str,
    source: Path | None,
    part: int,
) -> None:
    """Read one part of a survey's dump into a Parquet file whose row groups each hold rows of one shard.

    Args:
        survey: the survey's configuration; the dump has `survey.parts` parts.
        observations_path: written; columns of `raw_schema` and `shard`.
        objects_path: written; the part's rows on objects, columns of `OBJECT_SCHEMA` and `shard`. The metadata of the
            file hold, as JSON, what the reader did not pass on (`LOSS_SCHEMA`).
        name, source: as for `read_shard`.
        part: index of the part, from 0.
    """
    losses = []
    with (
        _shard_writer(observations_path, _schema(survey), survey.shards) as (_, write_observations),
        _shard_writer(objects_path, OBJECT_SCHEMA, survey.shards) as (objects_file, write_objects),
    ):
        for batch in _in_bulk(_batches(survey, name, source, None, part), _schema(survey)):
            write_objects(batch.objects)
            write_observations(batch.observations)
            losses.append(batch.losses)
        objects_file.add_key_value_metadata({LOSSES_KEY: pl.concat(losses).write_json()})


def _batches(survey: Survey, name: str, source: Path | None, seed: int | None, part: int) -> Iterator[RawBatch]:
    parts, num_rows = survey.parts, 0
    read = reader_module(survey.format).read
    for batch in read(survey.options, name=name, source=source, seed=seed, part=part, parts=parts):
        num_rows += batch.observations.height
        logger.info("%s, part %d of %d: %s observations read", name, part + 1, parts, f"{num_rows:,}")
        yield batch


def _schema(survey: Survey) -> dict:
    return raw_schema(each_band=survey.options.each_band)


def _in_bulk(batches: Iterable[RawBatch], schema: dict) -> Iterator[RawBatch]:
    """Join batches until they hold `BULK_SIZE` observations: smaller row groups would be mostly overhead."""
    waiting, size = [], 0
    for batch in batches:
        waiting.append(batch)
        size += batch.observations.height
        if size >= BULK_SIZE:
            yield _joined(waiting, schema)
            waiting, size = [], 0
    yield _joined(waiting, schema)


def _joined(batches: Iterable[RawBatch], schema: dict) -> RawBatch:
    empty = RawBatch.of(observations=pl.DataFrame(schema=schema))  # gives the columns, should there be no other
    batches = [empty, *batches]
    tables = ([getattr(batch, table.name) for batch in batches] for table in fields(RawBatch))
    return RawBatch(*(pl.concat(parts, how="diagonal") for parts in tables))


@contextmanager
def _shard_writer(
    path: Path, schema: dict, shards: int
) -> Iterator[tuple[pq.ParquetWriter, Callable[[pl.DataFrame], None]]]:
    """Yield the Parquet file `path`, and a function that appends a table to it with one row group per shard."""
    # Plain text, because each row group of a Categorical would hold all categories of the table.
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

        yield writer, write


def gather_shard(observations_paths: Sequence[Path], objects_paths: Sequence[Path], shard: int) -> RawBatch:
    """Read the row groups of one shard from the files that `read_part` wrote for all parts.

    Losses have no shard, because most of them have no object: each shard is given those of the part of its number.
    """
    schema = raw_schema(each_band="band" in pq.read_schema(observations_paths[0]).names)
    return RawBatch(
        pl.concat(_row_groups_of_shard(path, OBJECT_SCHEMA, shard) for path in objects_paths),
        pl.concat(_row_groups_of_shard(path, schema, shard) for path in observations_paths),
        _losses_of(objects_paths[shard]) if shard < len(objects_paths) else pl.DataFrame(schema=LOSS_SCHEMA),
    )


def _losses_of(path: Path) -> pl.DataFrame:
    return pl.read_json(pq.read_metadata(path).metadata[LOSSES_KEY.encode()], schema=LOSS_SCHEMA)


def _row_groups_of_shard(path: Path, schema: dict, shard: int) -> pl.DataFrame:
    """Read the rows of a shard from one file written by `_shard_writer`.

    The row groups are selected here because a polars scan with a filter holds several files in memory at once, more of
    them for larger surveys.
    """
    with pq.ParquetFile(path) as file:
        column = file.schema_arrow.get_field_index("shard")
        groups = range(file.num_row_groups)
        wanted = [group for group in groups if file.metadata.row_group(group).column(column).statistics.min == shard]
        return conform(from_arrow(file.read_row_groups(wanted, columns=list(schema))), schema)
