"""Read a dump in all its parts, and take it through ingest."""

import polars as pl

from astromer.data.ingest import ingest_shard, read_part
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
    observations = pl.concat(batch.observations for batch in batches).sort("file", "line")
    return pl.concat(batch.objects for batch in batches).sort(pl.all()), observations


def ingest(survey, source, folder):
    """Return the objects and observations kept, and the counts of `quality` by level and outcome."""
    shards = range(survey["shards"])
    raw = [(folder / f"{part}.parquet", folder / f"{part}.objects.parquet") for part in shards]
    for part in shards:
        read_part(survey, *raw[part], name="sky", source=source, seed=None, part=part)
    results = [ingest_shard(survey, *zip(*raw, strict=True), name="sky", shard=shard) for shard in shards]
    counts = {}
    for level, outcome, count in pl.concat(result.quality for result in results).drop("survey").iter_rows():
        counts[level, outcome] = counts.get((level, outcome), 0) + count
    objects = pl.concat(result.objects for result in results).sort("id")
    return objects, pl.concat(result.observations for result in results).sort("id", "mjd"), counts
