"""Filter a survey's observations and objects, count every rejected line and object, and write Parquet.

A survey larger than memory is processed in shards of its objects (`shard_of`), one job per shard:

1. `astromer.surveys.parts` reads the observations and objects of one shard from the dump.
2. `ingest_shard` applies the filters to a shard and counts what it rejects.
3. `merge_shards` joins the small tables of all shards.
"""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from astromer.config.surveys import Survey
from astromer.errors import InputError
from astromer.files import atomic_path, write_pieces
from astromer.surveys.filters import judge_objects, judge_observations, light_curve_key, measure_objects
from astromer.surveys.objects import one_row_per_object
from astromer.surveys.quality import (
    count_rules,
    examples_of,
    nothing_kept,
    quality_of,
    rejected_examples,
    sum_shards,
    with_examples,
)
from astromer.surveys.reading import RawBatch, check_one_band

OBSERVATION_SCHEMA = {"id": pl.String, "mjd": pl.Float64, "mag": pl.Float32, "err_mag": pl.Float32}
ROWS_AT_ONCE = 1_000_000  # observations that are sorted and judged at once
OBJECTS_AT_ONCE = 500_000  # objects that are joined and sorted in memory
SAMPLED_EVERY = 100  # objects of a shard between two whose ids may bound an interval
ROW_GROUP_SIZE = 262_144  # observations that a reader of the Parquet file has to hold in memory at once


@dataclass(frozen=True)
class Shard:
    """One shard of an ingested survey.

    Attributes:
        observations: columns of `OBSERVATION_SCHEMA` (with ids as Enum), sorted by id and time. Where each band is a
            light curve, also `band`, by which they are sorted after the id.
        objects: the kept objects, sorted by id: `OBJECT_SCHEMA`, survey, num_obs and shard.
        quality: number of objects and observations read, kept and rejected by each rule.
        examples: a few rejected objects and observations per rule, with file and line.
    """

    observations: pl.DataFrame
    objects: pl.DataFrame
    quality: pl.DataFrame
    examples: pl.DataFrame

    def write(self, observations: Path, objects: Path, quality: Path) -> None:
        """Write the tables as Parquet, the examples beside the counts of `quality`."""
        table = self.observations.to_arrow()
        without_nulls = pa.schema(field.with_nullable(False) for field in table.schema)
        with atomic_path(observations) as temporary:
            # With Arrow's schema in the file, readers would get the ids as a dictionary; without it, as plain text.
            pq.write_table(
                table.cast(without_nulls),
                temporary,
                row_group_size=ROW_GROUP_SIZE,
                compression="lz4",
                use_dictionary=["id", "band", "err_mag"],
                column_encoding=dict.fromkeys(["mjd", "mag"], "BYTE_STREAM_SPLIT"),
                write_statistics=False,
                store_schema=False,
            )
        for rows, path in ((self.objects, objects), (with_examples(self.quality, self.examples), quality)):
            with atomic_path(path) as temporary:
                rows.write_parquet(temporary)


def ingest_shard(raw: RawBatch, survey: Survey, *, name: str, shard: int) -> Shard:
    """Apply the survey's filters to one shard and count what they reject.

    Raises:
        InputError: the dump describes an object in two ways.
    """
    filters, one_file_per_object = survey.filters, survey.options.one_file_per_object
    each_band = survey.options.each_band
    if survey.options.one_band:
        check_one_band(raw.objects["band"], f"survey {name}")
    catalog = one_row_per_object(raw.objects, one_file_per_object, name, each_band=each_band)
    origins = _origins(raw.observations)
    files = origins.cast(pl.String).filter(pl.col("id") != "").sort("id", "file")  # lines without an id have no object
    rows = _numbered(raw.observations, origins["id"].unique())
    in_order = not each_band and all(_in_order(chunk) for chunk in _chunks(rows, overlap=1))
    columns = [*OBSERVATION_SCHEMA, *(["band"] if each_band else [])]
    pieces = []
    for block in _blocks(rows, in_order=in_order):
        judged = judge_observations(block, filters, files if one_file_per_object else None, repeats=not in_order)
        accepted = _where(judged, pl.col("rule").is_null()).select(columns)
        pieces.append((accepted, count_rules(judged), rejected_examples(judged), measure_objects(accepted, filters)))
    kept, rules, rejected, measured = map(pl.concat, zip(*pieces, strict=True))
    objects = judge_objects(catalog, files, measured, filters, each_band=each_band)
    accepted = objects.filter(pl.col("rule").is_null())
    lost = objects.filter(pl.col("rule").is_not_null(), pl.col("num_obs") > 0)
    observations = _where(kept, ~pl.col("id").is_in(lost["id"].cast(kept["id"].dtype).implode()))
    if each_band:
        accepted = _with_bands(accepted, observations)
    return Shard(
        observations=observations,
        objects=accepted.select(
            "id",
            pl.lit(name).alias("survey"),
            *("class", "band", "ra", "dec", "num_obs"),
            pl.lit(shard, pl.UInt16).alias("shard"),
        ),
        quality=quality_of(name, rules, objects, raw.losses, observations),
        examples=examples_of(name, rejected, objects, raw.losses),
    )


def merge_shards(
    objects_paths: Sequence[Path],
    quality_paths: Iterable[Path],
    metadata: Path,
    *,
    one_band: bool = False,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Join the shards' tables: write the objects, sorted by id; return summed quality counts and examples per rule.

    Args:
        objects_paths, quality_paths: files that `Shard.write` wrote.
        metadata: written: the objects.
        one_band: whether objects of several bands are an error.

    Raises:
        InputError: nothing is kept, or there are several bands.
    """
    quality, examples = sum_shards(pl.read_parquet(path) for path in quality_paths)
    shards = pl.concat(pl.scan_parquet(path) for path in objects_paths)
    if not shards.select(pl.len()).collect().item():
        raise InputError(nothing_kept(quality, examples))
    if one_band:
        first = shards.select("survey").head(1).collect().item()
        check_one_band(shards.select(pl.col("band").unique()).collect(engine="streaming")["band"], f"survey {first}")
    write_pieces(metadata, shards.collect_schema(), _sorted_objects(objects_paths))
    return quality, examples


def _sorted_objects(paths: Sequence[Path]) -> Iterator[pl.DataFrame]:
    """Yield the objects of all shards, each of which is sorted by id, in order: one interval of ids after the other."""
    sample = pl.concat(pl.read_parquet(path, columns=["id"])["id"].gather_every(SAMPLED_EVERY) for path in paths).sort()
    bounds = sample.gather_every(OBJECTS_AT_ONCE // SAMPLED_EVERY)[1:].unique(maintain_order=True).to_list()
    for low, high in itertools.pairwise([None, *bounds, None]):
        of_interval = (pl.lit(True) if low is None else pl.col("id") >= low) & (
            pl.lit(True) if high is None else pl.col("id") < high
        )
        tables = [pl.scan_parquet(path).filter(of_interval).collect(engine="streaming") for path in paths]
        yield pl.concat(tables).sort("id")


def _origins(rows: pl.DataFrame) -> pl.DataFrame:
    """List the distinct pairs of id and file."""

    def starts(chunk: pl.DataFrame) -> pl.DataFrame:
        """Drop each row whose id and file equal those of the row before."""
        codes = (chunk[name].to_physical().to_numpy() for name in ("id", "file"))
        changes = np.logical_or(*(code[1:] != code[:-1] for code in codes))
        return chunk.select("id", "file")[np.flatnonzero(np.append(chunk.height > 0, changes))]

    return pl.concat(starts(chunk) for chunk in _chunks(rows)).unique()


def _numbered(rows: pl.DataFrame, known: pl.Series) -> pl.DataFrame:
    """Convert the ids, all of which are in `known`, to an Enum whose order is alphabetical.

    An Enum is compared by number instead of by text. A plain cast to it would look up the text of each row.
    """
    names = known.cast(pl.String)
    enum = pl.Enum(names.sort())
    numbers = names.cast(enum).to_physical()
    codes = known.to_physical().to_numpy()
    number_of_code = np.zeros(codes.max() + 1 if len(codes) else 0, np.uint32)
    number_of_code[codes] = numbers
    table = pl.Series(number_of_code).cast(numbers.dtype)
    ids = [table.gather(chunk["id"].to_physical()) for chunk in _chunks(rows)]
    return rows.with_columns(pl.concat(ids).cat.to(enum).alias("id"))


def _blocks(rows: pl.DataFrame, *, in_order: bool) -> Iterator[pl.DataFrame]:
    """Yield rows, whose ids are an Enum, sorted by id, band (if there is one) and time, in blocks of whole objects.

    Whatever is computed of a block takes memory for that block only, so that a shard takes little more than its rows.

    Args:
        rows: columns of `raw_schema`.
        in_order: whether the rows are sorted already; the rows of most dumps are.
    """
    key = light_curve_key(rows.columns)
    numbers = rows["id"].to_physical().to_numpy()
    order = None if in_order else np.argsort(numbers, kind="stable")
    if order is not None:
        numbers = numbers[order]
        files = pl.Enum(rows["file"].unique().cast(pl.String).sort())
        rows = rows.with_columns(pl.col("file").cast(files))
    start = 0
    while start < len(numbers) or start == 0:
        end = int(np.searchsorted(numbers, numbers[start : start + ROWS_AT_ONCE][-1:], side="right").max(initial=0))
        if order is None:
            block = rows.slice(start, end - start)
        else:
            block = rows[order[start:end]].sort(*key, "mjd", "file", "line", nulls_last=True, maintain_order=True)
        yield block.with_columns(pl.col("id").set_sorted())
        start = max(end, 1)


def _with_bands(objects: pl.DataFrame, observations: pl.DataFrame) -> pl.DataFrame:
    """Name the bands of each object's observations, separated by blanks, in its column `band`."""
    pairs = observations.select("id", "band").unique().cast(pl.String).sort("id", "band")
    bands = pairs.group_by("id").agg(pl.col("band").str.join(" "))
    return objects.drop("band").join(bands, on="id", how="left", maintain_order="left")


def _in_order(rows: pl.DataFrame) -> bool:
    """Return whether the ids never decrease and the times of each id increase; a missing time (NaN) counts as not."""
    number, mjd = rows["id"].to_physical().to_numpy(), rows["mjd"].to_numpy()
    return bool(np.all((number[:-1] < number[1:]) | (number[:-1] == number[1:]) & (mjd[:-1] < mjd[1:])))


def _chunks(rows: pl.DataFrame, overlap: int = 0) -> list[pl.DataFrame]:
    """Split a table at its chunk boundaries, where slicing copies nothing; an empty table is one chunk.

    With `overlap`, each chunk also includes that many rows of the next one.
    """
    ends = [0, *itertools.accumulate(rows["id"].chunk_lengths())]
    return [rows.slice(start, end - start + overlap) for start, end in itertools.pairwise(ends)] or [rows]


def _where(rows: pl.DataFrame, condition: pl.Expr) -> pl.DataFrame:
    """Filter rows; return the table itself, uncopied, if all of them pass."""
    mask = rows.select(condition).to_series()
    return rows if mask.all() else rows.filter(mask)
