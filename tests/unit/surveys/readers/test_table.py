"""Long tables in text and Parquet: any column names, one file or many, split over parts."""

import gzip
import io
import math
import tarfile
import zipfile

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reading import ingest, make_survey, read_all

from astromer.errors import InputError
from astromer.surveys.readers import table

COLUMNS = {"id": "id", "time": "mjd", "mag": "mag", "err_mag": "err"} | dict.fromkeys(("class", "band", "ra", "dec"))
OPTIONS = {
    "tables": "*",
    "separator": ",",
    "quoted": True,
    "names": None,
    "columns": COLUMNS,
    "band": "g",
    "bands": {},
    "time_origin_jd": 2400000.5,
    "missing_values": [],
    "catalog": None,
    "catalog_columns": {"id": "ID", "class": "Class", "ra": None, "dec": None},
    "position_from_id": False,
    "labels": {},
}
ROWS = pl.DataFrame(
    {
        "id": [i for i in ("a", "b+1.5", "c d", "ü") for _ in range(5)],
        "flag": ["x,y"] * 20,
        "mjd": [50000.5 + i for i in range(20)],
        "mag": [10 + i / 8 for i in range(20)],
        "err": [0.125] * 20,
    }
)


def configured(columns=None, shards=1, **options):
    return make_survey("table", OPTIONS | {"columns": COLUMNS | (columns or {})} | options, shards)


def packed(packing, folder):
    """Write ROWS in some packing, as one table or two."""
    halves = {"1": ROWS[:8], "2": ROWS[8:]}
    text = {name: half.write_csv().encode() for name, half in halves.items()}
    source = folder / "dump"
    if packing in ("stars.csv", "stars.csv.gz", "stars.parquet"):
        source = folder / packing
        content = ROWS.write_csv().encode()
        if packing == "stars.parquet":
            ROWS.write_parquet(source, row_group_size=3)
        else:
            source.write_bytes(gzip.compress(content) if packing.endswith("gz") else content)
    elif packing == "folder of parquet":
        source.mkdir()
        for name, half in halves.items():
            half.write_parquet(source / f"{name}.parquet", row_group_size=3)
    elif packing == "folder":
        (source / "b").mkdir(parents=True)
        (source / "1.csv").write_bytes(text["1"])
        (source / "b/2.csv.gz").write_bytes(gzip.compress(text["2"]))
    elif packing == "tar":
        source = folder / "stars.tar.xz"
        with tarfile.open(source, "w:xz") as archive:
            for name, content in text.items():
                info = tarfile.TarInfo(f"{name}.csv")
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
    elif packing == "zip":
        source = folder / "stars.zip"
        with zipfile.ZipFile(source, "w") as archive:
            for name, half in halves.items():
                buffer = io.BytesIO()
                half.write_parquet(buffer)
                archive.writestr(f"{name}.parquet", buffer.getvalue())
    return source


PACKINGS = ["stars.csv", "stars.csv.gz", "stars.parquet", "folder", "folder of parquet", "tar", "zip"]


@pytest.mark.parametrize("packing", PACKINGS)
@pytest.mark.parametrize("shards", [1, 2, 5])
def test_parts_give_each_row_once(packing, shards, tmp_path, monkeypatch):
    monkeypatch.setattr(table, "BLOCK_BYTES", 100)
    monkeypatch.setattr(table, "BLOCK_ROWS", 2)
    source = packed(packing, tmp_path)
    survey = configured(shards=shards, tables="**/*")
    objects, observations = read_all(survey, source)
    expected = ROWS.sort("mjd").select("id", "mjd", "mag", pl.col("err").alias("err_mag"))
    assert observations.sort("mjd").select(expected.columns).equals(expected)
    assert observations["text"].null_count() == 20
    first = 1 if "parquet" in packing or packing == "zip" else 2
    lines = observations.group_by("file").agg(pl.col("line").sort())
    for numbers in lines["line"]:
        assert numbers.to_list() == list(range(first, first + len(numbers)))
    assert set(objects["id"]) == set(ROWS["id"])
    assert objects["band"].unique().to_list() == ["g"]


def test_work_is_spread_over_the_parts_of_a_single_file(tmp_path, monkeypatch):
    monkeypatch.setattr(table, "BLOCK_BYTES", 100)
    source = packed("stars.csv", tmp_path)
    survey = configured(shards=4)
    parts = [
        list(table.read(survey.options, name="", source=source, seed=None, part=part, parts=4)) for part in range(4)
    ]
    assert all(1 <= sum(batch.observations.height for batch in part) < 10 for part in parts)


CATALINA = """\
MasterID,ID,Mag,Magerr,RA,Dec,FWHM,Var,FrameID,MJD
1001055000001,101,15.25,0.05,10.00001,-5.2,2.1,0,9,53500.25
1001055000001,102,15.50,0.05,10.00003,-5.2,2.1,0,9,53501.25
1001055000002,103,16.25,0.06,20.5,15.2,2.1,0,9,53500.25
"""


def test_catalina(tmp_path):
    (tmp_path / "catalina.csv").write_text(CATALINA)
    (tmp_path / "labels.csv").write_text("Numerical_ID,Var_Type\n1001055000001,1\n1001055000002,7\n")
    columns = {"id": "MasterID", "time": "MJD", "mag": "Mag", "err_mag": "Magerr", "ra": "RA", "dec": "Dec"}
    survey = configured(
        columns,
        shards=2,
        band="V",
        catalog="../labels.csv",
        catalog_columns={"id": "Numerical_ID", "class": "Var_Type", "ra": None, "dec": None},
        labels={"1": "EW"},
    )
    objects, observations, counts = ingest(survey, tmp_path / "catalina.csv", tmp_path / "out")
    assert objects.drop("survey", "shard").rows() == [
        ("1001055000001", "EW", "V", pytest.approx(10.00002), -5.2, 2),
        ("1001055000002", "7", "V", 20.5, 15.2, 1),
    ]
    assert observations["mjd"].to_list() == [53500.25, 53501.25, 53500.25]
    assert counts["observation", "kept"] == 3


def test_bands_kept(tmp_path):
    path = tmp_path / "ztf.csv"
    path.write_text("oid,f,hjd,m,e\n1,zg,2450001.5,15,0.1\n1,zr,2450001.5,14,0.1\n2,zi,2450001.5,13,0.1\n")
    columns = {"id": "oid", "band": "f", "time": "hjd", "mag": "m", "err_mag": "e"}
    objects, observations, _ = ingest(configured(columns, bands={"zr": "r"}, time_origin_jd=0.0), path, tmp_path)
    assert objects.select("id", "band").rows() == [("1", "r")]
    assert observations.rows() == [("1", 50001.0, 14.0, pytest.approx(0.1))]
    both = configured(columns, bands={"zr": "r", "zg": "g"})
    with pytest.raises(InputError, match=r"two rows of object 1 .*band (g, r|r, g)"):
        ingest(both, path, tmp_path)


def test_classes_in_the_table(tmp_path):
    path = tmp_path / "stars.csv"
    path.write_text("id,mjd,mag,err,c\n1,1,15,0.1,EC\n1,2,15,0.1,EC\n2,1,15,0.1,\n2,2,15,0.1,RRab\n3,1,15,0.1,\n")
    objects, *_ = ingest(configured({"class": "c"}, labels={"EC": "EW"}), path, tmp_path)
    assert objects.select("id", "class").rows() == [("1", "EW"), ("2", "RRab"), ("3", None)]


BAD_LINES = {
    "a,x,ten,10,0.1": None,
    "a,x,1,10": None,
    "a,x,1,10,0.1,": None,
    ",x,1,10,0.1": None,
    "a,x,1,1_0,0.1": None,
    'a,"x,y",5,10,0.5': (5, 10, 0.5),
    ' "a" ,x,5,10,0.5': (5, 10, 0.5),
    "a, x , 5 , 10,0.5 ": (5, 10, 0.5),
    "a,x,5,,0.5": (5, math.nan, 0.5),
    "a,x,,10,0.5": (math.nan, 10, 0.5),
    "a,x,5,null,0.5": (5, math.nan, 0.5),
    "a,x,5,-9.0,0.5": (5, math.nan, 0.5),
    "a,x,5,10,inf": (5, 10, math.inf),
    ",x,,,": None,
}


@pytest.mark.parametrize(("bad", "numbers"), BAD_LINES.items())
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_lines_that_are_not_plain(tmp_path, bad, numbers, end):
    path = tmp_path / "stars.csv"
    lines = ["id,flag,mjd,mag,err", "z,x,1,10,0.1", "", bad, "z,x,2,11,0.1"]
    path.write_text(end.join(lines), newline="")
    _, observations = read_all(configured(missing_values=["null", -9]), path)
    assert observations["line"].to_list() == [2, 4, 5]
    assert observations["mag"].to_list()[::2] == [10, 11]
    row = observations.row(1, named=True)
    found = [row[name] for name in ("mjd", "mag", "err_mag")]
    assert found == pytest.approx(numbers or [None] * 3, nan_ok=True)
    assert (row["text"] is None) == (numbers is not None)


def test_a_line_of_separators_alone_is_blank(tmp_path):
    (tmp_path / "stars.csv").write_text('id,flag,mjd,mag,err\nz,x,1,10,0.1\n,,,,\n, ,"",,\nz,x,2,11,0.1\n')
    _, observations = read_all(configured(), tmp_path / "stars.csv")
    assert observations["line"].to_list() == [2, 5]


def test_ids_keep_all_their_digits_and_bytes(tmp_path):
    path = tmp_path / "stars.csv"
    path.write_bytes(b"id,mjd,mag,err\n" + b"".join(b"%s,1,10,0.1\n" % name for name in (b"007", b"\xe9", b"\xe8")))
    objects, observations = read_all(configured(), path)
    assert objects["id"].to_list() == observations["id"].sort().to_list() == ["007", "\\xe8", "\\xe9"]
    large = pl.DataFrame({"id": [2**62 + 1, 2**62 + 2], "mjd": [1, 2], "mag": [10, None], "err": ["0.1", "bad"]})
    large.write_parquet(tmp_path / "stars.parquet")
    objects, observations = read_all(configured(), tmp_path / "stars.parquet")
    assert objects["id"].to_list() == [str(2**62 + 1), str(2**62 + 2)]
    assert observations["mag"].to_list() == [10, None]
    assert observations["text"].to_list() == [None, f"{2**62 + 2} 2 bad"]
    large.with_columns(pl.col("id").cast(float)).write_parquet(tmp_path / "stars.parquet")
    with pytest.raises(InputError, match=r"column 'id' of stars\.parquet has floating point ids"):
        read_all(configured(), tmp_path / "stars.parquet")


def test_columns_by_place_and_joined_ids(tmp_path):
    (tmp_path / "stars.txt").write_text("1|7|5|10|0.5\n|7|6|10|0.5\n")
    survey = configured({"id": ["field", "star"]}, separator="|", names=["field", "star", "mjd", "mag", "err"])
    objects, observations = read_all(survey, tmp_path / "stars.txt")
    assert objects["id"].to_list() == ["1.7"]
    assert observations.select("id", "mjd", "line").rows() == [("1.7", 5, 1), ("", None, 2)]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            b"id,mjd,mag\n1,2,3\n",
            r"stars\.csv: no column 'err' \(configured as columns\.err_mag\); it has id, mjd, mag",
        ),
        (b"id,mjd,mag,err,mag\n", r"more than one column 'mag'"),
        (b'id,mjd,mag,err\n1,2,3,"0.1\n2,2,3,0.1\n', r"stars\.csv: .* line 2"),
    ],
)
def test_table_that_cannot_be_read(tmp_path, content, message):
    path = tmp_path / "stars.csv"
    path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        read_all(configured(), path)


def test_damaged_parquet(tmp_path):
    path = packed("stars.parquet", tmp_path)
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(InputError, match=r"stars\.parquet is no Parquet table"):
        read_all(configured(), path)
    with tarfile.open(tmp_path / "stars.tar", "w") as archive:
        archive.add(packed("stars.parquet", tmp_path), "stars.parquet")
    with pytest.raises(InputError, match=r"stars\.parquet cannot be read as a stream"):
        read_all(configured(), tmp_path / "stars.tar")


def test_position_off_the_sky(tmp_path):
    (tmp_path / "stars.csv").write_text(CATALINA.replace("-5.2", "95.2"))
    columns = {"id": "MasterID", "time": "MJD", "mag": "Mag", "err_mag": "Magerr", "ra": "RA", "dec": "Dec"}
    with pytest.raises(InputError, match=r"stars\.csv: dec of object 1001055000001 is '95\.2', expected -90 to 90"):
        read_all(configured(columns), tmp_path / "stars.csv")


values = st.floats(1, 9, allow_subnormal=False)


@given(st.lists(st.tuples(st.sampled_from("abc"), values, values, values), min_size=1, max_size=30), st.integers(1, 4))
@settings(max_examples=30, deadline=None)
def test_text_and_parquet_agree(tmp_path_factory, rows, shards):
    folder = tmp_path_factory.mktemp("agree")
    frame = pl.DataFrame(
        rows, schema={"id": pl.String, "mjd": pl.Float64, "mag": pl.Float64, "err": pl.Float64}, orient="row"
    )
    frame.write_parquet(folder / "a.parquet", row_group_size=4)
    frame.write_csv(folder / "b.csv")
    text, parquet = (read_all(configured(shards=shards), folder / name)[1] for name in ("b.csv", "a.parquet"))
    columns = ["id", "mjd", "mag", "err_mag"]
    assert text.select(columns).equals(parquet.select(columns))
