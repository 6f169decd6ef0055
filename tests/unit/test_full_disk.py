"""A disk that fills up in the middle of a write: an error, and no file that could be taken for a whole one."""

import resource
from contextlib import contextmanager

import numpy as np
import polars as pl
import pytest

from astromer.config.surveys import read_survey
from astromer.data.records import write_records
from astromer.surveys.ingest import ingest_shard
from astromer.surveys.parts import read_part, read_shard
from astromer.surveys.readers import simulated
from astromer.training.state import StateFile, TrainingState

CONTENT = {
    "format": "simulated",
    "shards": 1,
    "filters": {"max_err_mag": 1.0, "min_observations": 1, "clip_percentiles": None, "variability": None},
    "simulated": {"style": "macho", "objects": 50, "classes": ["EC"], "mean_observations": 100},
}
SURVEY = read_survey(CONTENT)


@contextmanager
def full_disk(num_bytes=4096):
    """Let no file grow beyond so many bytes; a write then fails half-way, as it does on a full disk."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (num_bytes, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def write_shard(folder):
    raw = read_shard(SURVEY, name="sky", source=None, seed=1, shard=0)
    shard = ingest_shard(raw, SURVEY, name="sky", shard=0)
    with full_disk():
        shard.write(*(folder / name for name in ("a", "b", "c")))


def write_part(folder):
    table = {"tables": "*.csv", "separator": ",", "quoted": False, "names": None, "band": "R", "bands": {}}
    table |= {"time_origin_jd": 2400000.5, "missing_values": [], "catalog": None, "labels": {}}
    table |= {"columns": {"id": "id", "time": "mjd", "mag": "mag", "err_mag": "err_mag"}, "position_from_id": False}
    table["columns"] |= dict.fromkeys(("class", "band", "ra", "dec"))
    (batch,) = simulated.read(SURVEY.options, name="sky", source=None, seed=1, part=0, parts=1)
    dump = folder.parent / "dump"
    dump.mkdir()
    batch.observations.select("id", "mjd", "mag", "err_mag").write_csv(dump / "stars.csv")
    content = {"format": "table", "source": "dump", "filters": CONTENT["filters"], "table": table}
    survey = read_survey(content)
    with full_disk():
        read_part(survey, folder / "a", folder / "b", name="s", source=dump, part=0)


def write_tfrecord(folder):
    shard = ingest_shard(read_shard(SURVEY, name="sky", source=None, seed=1, shard=0), SURVEY, name="sky", shard=0)
    with full_disk():
        write_records(shard.observations.cast({"id": pl.String}), shard.objects, folder / "a.tfrecord")


def write_state(folder):
    arrays = [np.ones((100, 100), np.float32)]
    with full_disk():
        StateFile(folder, "run").save(TrainingState(arrays, [], [], np.zeros((0, 2), np.float32), [], 0, 0), "run")


@pytest.mark.parametrize("write", [write_shard, write_part, write_tfrecord, write_state])
def test_nothing_stays_of_a_file_that_the_disk_has_no_room_for(write, tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()
    with pytest.raises(OSError, match="File too large"):
        write(folder)
    assert not list(folder.iterdir())
