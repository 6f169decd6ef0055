"""Read a dump in all its parts, and take it through ingest."""

import polars as pl

from astromer.config.surveys import Survey, read_survey
from astromer.surveys.ingest import OBSERVATION_SCHEMA, ingest_shard
from astromer.surveys.parts import gather_shard, read_part, read_shard
from astromer.surveys.readers import reader_module

FILTERS = {"max_err_mag": 1.0, "min_observations": 1, "clip_percentiles": None, "variability": None}


def make_survey(layout, options, shards=1, **filters) -> Survey:
    content = {"format": layout, "source": "sky", "shards": shards, "filters": FILTERS | filters, layout: options}
    return read_survey(content, "surveys.sky")


def read_all(survey, source):
    """Return objects and observations of all parts, sorted."""
    parts = survey.shards
    read = reader_module(survey.format).read
    batches = [
        batch
        for part in range(parts)
        for batch in read(survey.options, name="sky", source=source, seed=None, part=part, parts=parts)
    ]
    observations = pl.concat(batch.observations for batch in batches).cast({pl.Categorical: pl.String})
    return pl.concat(batch.objects for batch in batches).sort(pl.all()), observations.sort("file", "line")


def ingest(survey, source, folder):
    """Return the objects and observations kept, and the counts of `quality` by level and outcome."""
    shards = range(survey.shards)
    if survey.options.scattered:
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
