"""From dumps to shards: every line is kept or counted, in any number of shards."""

import tarfile

import numpy as np
import polars as pl
import pyarrow.parquet as pq
import pytest
from reading import make_survey

from astromer.config.surveys import read_survey
from astromer.errors import InputError
from astromer.surveys import ingest as ingest_module
from astromer.surveys.ingest import OBSERVATION_SCHEMA, ingest_shard, merge_shards
from astromer.surveys.parts import read_shard
from astromer.surveys.reading import RawBatch

FILES = {
    "catalog": "sky/catalog.csv",
    "catalog_columns": {"id": "ID", "class": "Class", "band": "Band", "ra": "RA", "dec": "Dec"},
    "position_from_id": False,
    "light_curves": "sky/lightcurves/{id}.dat",
    "separator": "whitespace",
    "header": False,
    "columns": ["time", "mag", "err_mag"],
    "time_origin_jd": 2400000.5,
    "missing_values": [],
    "labels": {},
}
FILTERS = {"max_err_mag": 1.0, "min_observations": 2, "clip_percentiles": None, "variability": None}
CATALOG = """\
ID,RA,Dec,Class,Band,N
a+1.5,10.0,-5.0,EC,V,3
b,20.0,5.0,RRab,V,2
lost,30.0,0.0,EC,V,9
short,40.0,1.0,EC,V,1
"""
LIGHT_CURVES = {
    "a+1.5": "50002.5 11.2 0.02\n50001.5 11.1 0.01\nnot a line\n50003.5 11.3 -0.03\n\n50001.5 11.9 0.01\n",
    "b": "50001.0\t12.1  0.05\r\n50002.0 12.2 1.5\n50003.0 nan 0.1\n50004.0 12.4 0.05",
    "short": "50001.0 10.0 0.1\n",
    "stranger": "50001.0 10.0 0.1\n50002.0 10.0 0.1\n",
    "empty": "",
}


def survey(shards=1, filters=FILTERS, **changes):
    content = {"format": "files", "source": "dump", "shards": shards, "filters": filters, "files": FILES | changes}
    return read_survey(content)


@pytest.fixture
def dump(tmp_path):
    folder = tmp_path / "dump"
    (folder / "sky/lightcurves").mkdir(parents=True)
    (folder / "sky/catalog.csv").write_text(CATALOG)
    for name, text in LIGHT_CURVES.items():
        (folder / f"sky/lightcurves/{name}.dat").write_text(text, newline="")
    return folder


def archive(folder, path):
    with tarfile.open(path, "w:xz") as tar:
        tar.add(folder / "sky", "sky")
    return path


def ingest(section, source, folder):
    """Ingest all shards; return the merged objects, quality, examples, and all observations."""
    shards = range(section.shards)
    raw = [read_shard(section, name="sky", source=source, seed=None, shard=shard) for shard in shards]
    tables = ("observations", "objects", "quality")
    paths = {table: [folder / f"{table}{shard}" for shard in shards] for table in tables}
    for shard in shards:
        written = [paths[table][shard] for table in tables]
        ingest_shard(raw[shard], section, name="sky", shard=shard).write(*written)
    observations = [pl.read_parquet(path) for path in paths["observations"]]
    assert all(table.schema == OBSERVATION_SCHEMA for table in observations)
    assert all(table.equals(table.sort("id", "mjd")) for table in observations)
    merged = merge_shards(paths["objects"], paths["quality"], folder / "metadata")
    return pl.read_parquet(folder / "metadata"), *merged, pl.concat(observations).sort("id", "mjd")


def counts(quality, level):
    return dict(quality.filter(pl.col("level") == level).select("outcome", "count").iter_rows())


@pytest.mark.parametrize("shards", [1, 3])
@pytest.mark.parametrize("packed", [False, True])
def test_every_line_is_kept_or_counted(dump, tmp_path, shards, packed):
    source = archive(dump, tmp_path / "sky.tar.xz") if packed else dump
    objects, quality, examples, observations = ingest(survey(shards), source, tmp_path)
    assert objects.select("id", "class", "num_obs").rows() == [("a+1.5", "EC", 2), ("b", "RRab", 2)]
    assert observations["mjd"].to_list() == [50001.5, 50002.5, 50001.0, 50004.0]
    assert observations["mag"].to_list() == pytest.approx([11.1, 11.2, 12.1, 12.4])
    assert counts(quality, "observation") == {
        "read": 12,
        "kept": 4,
        "rejected: unreadable line": 1,
        "rejected: missing value": 1,
        "rejected: error out of range": 2,
        "rejected: time repeated": 1,
        "rejected: of a rejected object": 3,
    }
    assert counts(quality, "object") == {
        "read": 5,
        "kept": 2,
        "rejected: no light curve": 1,
        "rejected: not in the catalogue": 1,
        "rejected: too few observations": 1,
    }
    bad = examples.filter(pl.col("rule") == "unreadable line").row(0, named=True)
    assert (bad["file"], bad["line"], bad["text"]) == ("sky/lightcurves/a+1.5.dat", 3, "not a line")


def test_positions_from_ids_where_the_catalogue_is_wrong(tmp_path):
    (tmp_path / "sky/lightcurves").mkdir(parents=True)
    (tmp_path / "sky/catalog.csv").write_text("ID,RA,Dec,Class,Band\n174259-3517.7,265.75,-34.705,MIRA,V\n")
    (tmp_path / "sky/lightcurves/174259-3517.7.dat").write_text("1.0 2.0 0.1\n2.0 2.0 0.1\n")
    section = survey(position_from_id=True, catalog_columns={"id": "ID", "class": "Class", "band": "Band"})
    objects, *_ = ingest(section, tmp_path, tmp_path)
    assert objects.select("ra", "dec").row(0) == pytest.approx((265.745833, -35.295))


def test_time_origin_and_column_order(dump, tmp_path):
    (dump / "sky/lightcurves/b.dat").write_text("mag;err;x;jd\n12.1;0.1;9;2450001.75\n12.2;0.1;9;2450003.75\n")
    for name in ("a+1.5", "short", "stranger", "empty"):
        (dump / f"sky/lightcurves/{name}.dat").unlink()
    section = survey(separator=";", header=True, columns=["mag", "err_mag", "other", "time"], time_origin_jd=0.0)
    *_, observations = ingest(section, dump, tmp_path)
    assert observations["mjd"].to_list() == [50001.25, 50003.25]


def test_clipping_by_percentiles_of_the_object(dump, tmp_path):
    magnitudes = [10.0] * 98 + [5.0, 15.0]
    (dump / "sky/lightcurves/b.dat").write_text("".join(f"{50000 + i} {m} 0.1\n" for i, m in enumerate(magnitudes)))
    section = survey(filters=FILTERS | {"clip_percentiles": [1, 99]})
    objects, quality, *_ = ingest(section, dump, tmp_path)
    assert objects.filter(pl.col("id") == "b")["num_obs"].item() == 98
    assert counts(quality, "observation")["rejected: magnitude beyond percentiles"] == 4, "two of b, both of a+1.5"


def test_selection_of_variable_objects(dump, tmp_path):
    spike = [10.0] * 60 + [16.0]
    for name, magnitudes in {"a+1.5": spike, "b": [10.0, 10.4] * 30, "short": [10.0] * 20}.items():
        text = "".join(f"{50000 + i} {mag} 0.1\n" for i, mag in enumerate(magnitudes))
        (dump / f"sky/lightcurves/{name}.dat").write_text(text)
    section = survey(filters=FILTERS | {"variability": {"skew": 1, "kurtosis": 10, "std": 0.1}})
    objects, quality, *_ = ingest(section, dump, tmp_path)
    assert objects["id"].to_list() == ["a+1.5"]
    assert counts(quality, "object")["rejected: not variable enough"] == 2


@pytest.mark.parametrize(
    ("catalog", "message"),
    [
        ("ID,RA,Class,Band\na,1,EC,V\n", r"sky/catalog\.csv: no column 'Dec' \(configured as catalog_columns\.dec\)"),
        ("ID,RA,Dec,Class,Band\na,1,95,EC,V\n", "dec of object a is '95', expected -90 to 90 deg"),
        ("ID,RA,Dec,Class,Band\na,1,5,EC,V\na,1,5,EC,V\n", "two rows of object a"),
        ("", r"sky/catalog\.csv: not a CSV table"),
    ],
)
def test_bad_catalogues(dump, tmp_path, catalog, message):
    (dump / "sky/catalog.csv").write_text(catalog)
    with pytest.raises(InputError, match=message):
        ingest(survey(), dump, tmp_path)


def test_dump_without_light_curves(dump, tmp_path):
    with pytest.raises(InputError, match=r"no file matches 'sky/data/\{id\}\.dat'"):
        ingest(survey(light_curves="sky/data/{id}.dat"), dump, tmp_path)


def test_failure_leaves_no_file(dump, tmp_path):
    path = archive(dump, tmp_path / "sky.tar.xz")
    path.write_bytes(path.read_bytes()[:-200])
    outputs = tmp_path / "outputs"
    outputs.mkdir()
    with pytest.raises(InputError, match=r"sky\.tar\.xz: unreadable archive"):
        ingest(survey(), path, outputs)
    assert not list(outputs.iterdir())


def test_objects_of_all_shards_are_sorted_also_in_several_pieces(tmp_path, monkeypatch):
    monkeypatch.setattr(ingest_module, "OBJECTS_AT_ONCE", 20)
    monkeypatch.setattr(ingest_module, "SAMPLED_EVERY", 3)
    rng = np.random.default_rng(1)
    ids = sorted(f"star{number}" for number in rng.permutation(500)[:237])
    objects = pl.DataFrame({"id": ids}).with_columns(
        survey=pl.lit("sky"), band=pl.lit("V"), shard=pl.Series(rng.integers(0, 4, 237)).cast(pl.UInt16)
    )
    paths = [tmp_path / f"{shard}.parquet" for shard in range(4)]
    for shard, path in enumerate(paths):
        objects.filter(shard=shard).write_parquet(path)
    example = {"id": "star0", "file": "a.dat", "line": 1, "text": ""}
    quality = {"survey": "sky", "level": "object", "outcome": "rejected: rule", "count": 1, "examples": [[example]]}
    pl.DataFrame(quality).write_parquet(tmp_path / "quality")
    merge_shards(paths, [tmp_path / "quality"], tmp_path / "metadata.parquet")
    assert pl.read_parquet(tmp_path / "metadata.parquet").equals(objects)
    assert pq.ParquetFile(tmp_path / "metadata.parquet").num_row_groups > 3


@pytest.mark.parametrize("clip", [None, [5, 95]])
def test_a_shard_is_the_same_however_many_rows_are_judged_at_once(tmp_path, monkeypatch, clip):
    """Rows in the worst order, with repeated times, rejected rows, and objects longer than a block."""
    rng = np.random.default_rng(2)
    count = 3000
    observations = pl.DataFrame(
        {
            "id": rng.choice(["a", "b", "c", *(f"star{i}" for i in range(60))], count, p=[0.2] * 3 + [0.4 / 60] * 60),
            "file": rng.choice(["x", "y"], count),
            "line": rng.permutation(count),
            "mjd": rng.integers(50000, 50500, count).astype(float),
            "mag": np.where(rng.random(count) < 0.05, np.nan, rng.normal(15, 1, count)),
            "err_mag": rng.uniform(0, 1.1, count),
            "text": None,
        }
    )
    objects = pl.DataFrame({"id": observations["id"].unique()}).with_columns(rows=1, band=pl.lit("V"))
    raw = RawBatch.of(objects=objects, observations=observations)
    filters = {"min_observations": 8, "clip_percentiles": clip, "variability": {"std": 0.5, "skew": -2.0}}
    section = make_survey("table", {"columns": {"id": "i", "time": "t", "mag": "m", "err_mag": "e"}}, **filters)
    written = []
    for rows_at_once in (10**6, 50):
        monkeypatch.setattr(ingest_module, "ROWS_AT_ONCE", rows_at_once)
        shard = ingest_shard(raw, section, name="sky", shard=0)
        assert {"read", "kept", "rejected: time repeated"} <= set(shard.quality["outcome"])
        written.append(shard)
    for one, other in zip(*(vars(shard).values() for shard in written), strict=True):
        assert one.equals(other)
