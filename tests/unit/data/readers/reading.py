"""Read a dump in all its parts, and take it through ingest."""

import polars as pl

from astromer.data.ingest import OBSERVATION_SCHEMA, gather_shard, ingest_shard, read_part, read_shard
from astromer.data.readers import READERS

FILTERS = {"max_err_mag": 1.0, "min_observations": 1, "clip_percentiles": None, "variability": None}


def section(layout, options, shards=1, **filters):
    return {"format": layout, "shards": shards, "filters": FILTERS | filters, layout: options}


def read_all(survey, source):
    """Return objects and observations of all parts, sorted."""
    parts = survey["shards"]
    read = READERS[survey["format"]].read
    batches = [
        batch
        for part in range(parts)
        for batch in read(survey, name="sky", source=source, seed=None, part=part, parts=parts)
    ]
    observations = pl.concat(batch.observations for batch in batches).cast({pl.Categorical: pl.String})
    return pl.concat(batch.objects for batch in batches).sort(pl.all()), observations.sort("file", "line")


def ingest(survey, source, folder):
    """Return the objects and observations kept, and the counts of `quality` by level and outcome."""
    shards = range(survey["shards"])
    if READERS[survey["format"]].scattered:
        parts = [(folder / f"{part}.parquet", folder / f"{part}.objects.parquet") for part in shards]
        for part in shards:
            read_part(survey, *parts[part], name="sky", source=source, part=part)
        raw = [gather_shard(*zip(*parts, strict=True), shard) for shard in shards]
    else:
        raw = [read_shard(survey, name="sky", source=source, seed=None, shard=shard) for shard in shards]
    results = [ingest_shard(raw[shard], survey, name="sky", shard=shard) for shard in shards]
    counts = {}
    for level, outcome, count in pl.concat(result.quality for result in results).drop("survey").iter_rows():
        counts[level, outcome] = counts.get((level, outcome), 0) + count
    objects = pl.concat(result.objects for result in results).sort("id")
    observations = pl.concat(result.observations.cast(OBSERVATION_SCHEMA) for result in results)
    return objects, observations.sort("id", "mjd"), counts
