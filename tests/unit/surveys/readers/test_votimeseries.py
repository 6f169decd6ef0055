"""VOTimeseries files: both dialects, dirty ones, and the real archive against the plain dumps."""

import tarfile

import numpy as np
import polars as pl
import pytest
from reading import ingest, make_survey, read_all

from astromer.errors import InputError
from astromer.surveys.readers import votimeseries

OPTIONS = {
    "light_curves": "*.xml",
    "bands": {"V": "V"},
    "id_from": "file_name",
    "id_pattern": "(.+)",
    "position_from_id": False,
    "labels": {"Mira": "MIRA"},
    "other_classes": "keep",
    "time_origin_jd": 2400000.5,
    "missing_values": [-99.0],
}
FIELDS = "".join(f"<FIELD name='{name}' unit='x'/>" for name in ("t", "m", "m_err"))


def rows(*values):
    cells = ("".join(f"<TD>{cell}</TD>" for cell in row) for row in values)
    return "\n".join(f"\t<TR row='{i}'>{row}</TR>" for i, row in enumerate(cells, start=1))


def table(content, name="V:table7", fields=FIELDS):
    return f"<TABLE name='{name}'>{fields}<DATA><TABLEDATA>\n{content}\n</TABLEDATA></DATA></TABLE>\n"


def votimeseries_file(*tables, classes=("Variable Stars", "Mira"), description="Position for s", identifier="i#7"):
    opening = "".join(f'<class name="{name}" prob="1.0">\n' for name in classes)
    return f"""<?xml version="1.0"?>
<VOSOURCE version="0.03">
<ID>{identifier}</ID>
<WhereWhen><Description>{description}</Description>
<Position2D unit='deg'><Value2><c1>10.5</c1><c2>-20.25</c2></Value2></Position2D></WhereWhen>
<VOTIMESERIES><RESOURCE>
{"".join(tables)}</RESOURCE></VOTIMESERIES>
<CLASSIFICATIONS><classification><class name="Old"/></classification>
<classification>{opening}{"</class>" * len(classes)}</classification></CLASSIFICATIONS>
</VOSOURCE>
"""


PLAIN = rows((1, 10, 0.1), (2, 10.5, 0.1))


@pytest.fixture
def read(tmp_path):
    """Write files, read them in as many parts as asked for."""

    def read(files, shards=1, **options):
        for name, content in files.items():
            path = tmp_path / "dump" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_all(make_survey("votimeseries", OPTIONS | options, shards), tmp_path / "dump")

    return read


@pytest.mark.parametrize("shards", [1, 3])
def test_plain_files(read, shards):
    files = {f"{i}.xml": votimeseries_file(table(rows((i, 10 + i, 0.1), (0.5, 9, 0.2)))) for i in range(1, 6)}
    objects, observations = read(files, shards)
    assert objects.drop("rows").rows() == [(str(i), f"{i}.xml", "MIRA", "V", 10.5, -20.25) for i in range(1, 6)]
    assert observations["id"].to_list() == [i for i in "12345" for _ in range(2)]
    assert observations["mjd"].to_list() == [mjd for i in range(1, 6) for mjd in (i, 0.5)]
    assert observations["mag"].to_list() == [mag for i in range(1, 6) for mag in (10 + i, 9)]
    assert observations["text"].null_count() == 10


def test_lines_are_those_of_the_file(read):
    content = votimeseries_file(table(PLAIN, "R:table1"), table(PLAIN))
    _, observations = read({"s.xml": content})
    lines = content.split("\n")
    kept = [number for number, line in enumerate(lines, start=1) if line.startswith("\t<TR")][2:]
    assert observations["line"].to_list() == kept


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({}, "s t+1.5"),
        ({"id_from": "description", "id_pattern": r"for (\S+)$"}, "174259-3517.7"),
        ({"id_from": "id", "id_pattern": r"#(\d+)$"}, "149389"),
    ],
)
def test_where_the_id_stands(read, options, name):
    content = votimeseries_file(
        table(PLAIN), description=" Best position for 174259-3517.7 ", identifier="ivo://a#149389"
    )
    objects, observations = read({"s t+1.5.xml": content}, **options)
    assert objects["id"].to_list() == [name]
    assert observations["id"].to_list() == [name] * 2


def test_position_from_the_id(read):
    content = votimeseries_file(table(PLAIN), description="for 174259-3517.7")
    objects, _ = read({"s.xml": content}, id_from="description", id_pattern="for (.+)", position_from_id=True)
    assert objects.select("ra", "dec").row(0) == pytest.approx((265.745833, -35.295))


def test_label_is_the_innermost_class_of_the_last_classification(read):
    other_dialect = votimeseries_file(table(PLAIN), classes=("A", "B", "RR Lyrae")).replace("lassification", "LASS")
    other_dialect = other_dialect.replace("cLASS", "Classification").replace("CLASSIFICATIONS", "Classifications")
    objects, _ = read(
        {
            "a.xml": votimeseries_file(table(PLAIN)),
            "b.xml": other_dialect,
            "c.xml": votimeseries_file(table(PLAIN), classes=()),
        }
    )
    assert objects["class"].to_list() == ["MIRA", "RR Lyrae", None]


def test_other_classes_are_left_out(read):
    files = {
        "a.xml": votimeseries_file(table(PLAIN)),
        "b.xml": votimeseries_file(table(PLAIN), classes=["Algol"]),
        "c.xml": votimeseries_file(table(PLAIN), classes=()),
    }
    objects, observations = read(files, other_classes="leave_out")
    assert objects["id"].to_list() == ["a"]
    assert observations["id"].unique().to_list() == ["a"]


def test_repeated_table_is_read_once_another_one_too(read):
    longer = rows((1, 10, 0.1), (2, 10.5, 0.1), (3, 11, 0.1))
    _, observations = read(
        {
            "same.xml": votimeseries_file(table(PLAIN), table(f"{PLAIN}  ", "V:table9")),
            "other.xml": votimeseries_file(table(PLAIN), table(longer, "V:table9")),
        }
    )
    assert observations["id"].to_list() == ["other"] * 5 + ["same"] * 2


def test_bands(read):
    content = votimeseries_file(table(PLAIN), table(rows((5, 9, 0.1)), "I:table8"))
    objects, observations = read({"s.xml": content}, bands={"I": "Ic"})
    assert objects["band"].to_list() == ["Ic"]
    assert observations["mag"].to_list() == [9]
    objects, observations = read({"s.xml": content}, bands={"B": "B"})
    assert objects["band"].to_list() == [None]
    assert observations.is_empty()
    with pytest.raises(InputError, match=r"s\.xml: has tables of I and V; expected one band"):
        read({"s.xml": content}, bands={"V": "V", "I": "I"})


def test_time_origin_of_each_object(read):
    rules = [{"below": 20000, "jd": 2450000.0}, {"below": 1000000, "jd": 2400000.0}, {"jd": 0.0}]
    starts = {"hjd": 2450500.5, "short": 500.5, "middle": 50500.5}
    files = {
        f"{k}.xml": votimeseries_file(table(rows(*((t + i, 9, 0.1) for i in range(3))))) for k, t in starts.items()
    }
    files["outlier.xml"] = votimeseries_file(table(rows((30000, 9, 0.1), (500.5, 9, 0.1), (501.5, 9, 0.1))))
    _, observations = read(files, time_origin_jd=rules)
    expected = {name: [50500, 50501, 50502] for name in starts} | {"outlier": [79999.5, 50500, 50501]}
    for name, mjd in expected.items():
        assert observations.filter(pl.col("id") == name)["mjd"].to_list() == mjd
    with pytest.raises(InputError, match="a `below` in each but the last"):
        read(files, time_origin_jd=rules[:2])


BAD_ROWS = {
    "<TR row='2'><TD>2</TD><TD>ten</TD><TD>0.1</TD></TR>": None,
    "<TR row='2'><TD>2</TD><TD>0.1</TD></TR>": None,
    "<TR><TD>2</TD><TD>10</TD><TD>0.1</TD><TD>0.1</TD></TR>": None,
    "<TR><TD>2</TD><TD><![CDATA[10]]></TD><TD>0.1</TD></TR>": None,
    "<TR><TD>2</TD><TD>10;5</TD><TD>0.1</TD></TR>": None,
    "<TR><TD>2</TD><TD>10</TD><TD>0.": None,
    "stray": None,
    "<TR><TD>2</TD><TD></TD><TD>0.1</TD></TR>": (2, np.nan, 0.1),
    "<TR><TD>2</TD><TD/><TD>0.1</TD></TR>": (2, np.nan, 0.1),
    "<TR><TD>2</TD><TD>-99</TD><TD>0.1</TD></TR>": (2, np.nan, 0.1),
    "<TR><TD>2</TD><TD>nan</TD><TD>inf</TD></TR>": (2, np.nan, np.inf),
    "<TR><TD> 2 </TD>\n <TD>1&#48;</TD><TD>1e-1</TD></TR>": (2, 10, 0.1),
    "<TR row='2'><TD>2</TD><TD>10</TD><TD>-0.1</TD></TR>": (2, 10, -0.1),
}


@pytest.mark.parametrize(("bad", "numbers"), BAD_ROWS.items())
def test_rows_that_are_not_plain(read, bad, numbers):
    content = votimeseries_file(table(f"{rows((1, 10, 0.1))}\n{bad}\n{rows((3, 11, 0.1))}"))
    good = votimeseries_file(table(PLAIN))
    _, observations = read({"a.xml": good, "b.xml": content, "c.xml": good})
    found = observations.filter(pl.col("id") == "b")
    assert found.select("mjd", "mag").rows()[::2] == [(1, 10), (3, 11)]
    row = found.row(1, named=True)
    assert [row[name] for name in ("mjd", "mag", "err_mag")] == pytest.approx(numbers or [None] * 3, nan_ok=True)
    assert row["text"] == (None if numbers else bad)
    assert row["line"] == content[: content.index(bad)].count("\n") + 1
    assert observations.filter(pl.col("id") != "b")["mag"].to_list() == [10, 10.5] * 2


def test_rows_in_comments_are_no_rows(read):
    content = votimeseries_file(table(f"<!-- {PLAIN}\n-->{rows((3, 11, 0.1))}<!--<TR></TR>-->"))
    _, observations = read({"a.xml": content})
    assert observations["mag"].to_list() == [11]
    assert observations["line"].to_list() == [content[: content.index(">3<")].count("\n") + 1]


WHOLE = votimeseries_file(table(PLAIN))
UNREADABLE = {
    "empty": (b"", "not XML"),
    "cut in the table": (WHOLE.split("0.1</TD></TR>\n\t<TR")[0], "ends within a table"),
    "cut behind": (WHOLE[:-20], "not XML"),
    "binary": (bytes(range(256)), "not XML"),
    "latin": (WHOLE.replace("Position", "Posición").encode("latin-1"), "not XML in UTF-8"),
    "utf-16": (WHOLE.replace("<VOSOURCE", "<!DOCTYPE x><VOSOURCE").encode("utf-16"), "not XML in UTF-8"),
    "bomb": (
        WHOLE.replace("<VOSOURCE", '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><VOSOURCE', 1),
        "has a DOCTYPE",
    ),
    "hidden DOCTYPE": (
        b'<?xml version="1.0" encoding="cp037"?>' + '<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>'.encode("cp037"),
        "not XML",
    ),
    "other fields": (
        votimeseries_file(table(PLAIN, fields=FIELDS.replace("'m'", "'flux'"))),
        "a table has the fields ['t', 'flux', 'm_err'], expected ['t', 'm', 'm_err']",
    ),
    "table in a comment": (WHOLE.replace("<TABLE ", "<!--<TABLE ").replace("</TABLE>", "</TABLE>-->"), "not one in"),
}


@pytest.mark.parametrize("kind", UNREADABLE)
def test_unreadable_file_is_a_counted_rejection(kind, tmp_path):
    content, message = UNREADABLE[kind]
    dump = tmp_path / "dump"
    dump.mkdir()
    (dump / "good.xml").write_text(WHOLE)
    (dump / "bad.xml").write_bytes(content if isinstance(content, bytes) else content.encode())
    _, observations = read_all(make_survey("votimeseries", OPTIONS), dump)
    bad = observations.filter(pl.col("id") == "bad").row(0, named=True)
    assert message in bad["text"]
    objects, observations, counts = ingest(make_survey("votimeseries", OPTIONS, shards=2), dump, tmp_path)
    assert objects["id"].to_list() == ["good"]
    assert observations["mjd"].to_list() == [1, 2]
    assert counts == {
        ("object", "read"): 2,
        ("object", "kept"): 1,
        ("object", "rejected: too few observations"): 1,
        ("observation", "read"): 3,
        ("observation", "kept"): 2,
        ("observation", "rejected: unreadable line"): 1,
    }


def test_second_file_of_an_object_is_counted(tmp_path):
    dump = tmp_path / "dump"
    dump.mkdir()
    (dump / "b.xml").write_text(votimeseries_file(table(rows((0, 5, 0.1))), classes=["Other"], description="for X"))
    (dump / "a.xml").write_text(votimeseries_file(table(PLAIN), description="for X"))
    (dump / "empty.xml").write_text(votimeseries_file(table(""), description="for Y"))
    options = OPTIONS | {"id_from": "description", "id_pattern": "for (.+)"}
    for shards in (1, 2, 3):
        objects, observations, counts = ingest(make_survey("votimeseries", options, shards), dump, tmp_path)
        assert objects.select("id", "class", "num_obs").rows() == [("X", "MIRA", 2)]
        assert observations["mag"].to_list() == [10, 10.5]
        assert counts["observation", "rejected: second file of the object"] == 1
        assert counts["object", "rejected: no light curve"] == 1


def test_no_file_matches(read):
    with pytest.raises(InputError, match=r"no file matches '\*/\*\.xml'"):
        read({"a.xml": WHOLE}, light_curves="*/*.xml")


def test_position_off_the_sky(read):
    with pytest.raises(InputError, match=r"dec of object a is '-120\.25', expected -90 to 90 deg"):
        read({"a.xml": WHOLE.replace("-20.25", "-120.25")})


CLASSES = {
    "asas": {
        "Alpha2 Canum Venaticorum": "ACV",
        "Beta Cephei": "BCEP",
        "Close Binary Eclipsing Systems": "ECL",
        "Contact Systems": "EC",
        "Delta Scuti": "DSCT",
        "Detached": "ED",
        "Mira": "MIRA",
        "RR Lyrae, First Overtone": "RRC",
        "RR Lyrae, Fundamental Mode": "RRAB",
        "Semidetached": "ESD",
    },
    "hipparcos": {
        "Beta Cephei": "BCEP",
        "Chemically Peculiar Stars": "ACV",
        "Classical Cepheid": "DCEP",
        "Delta Scuti": "DSCT",
        "Ellipsoidal": "ELL",
        "Gamma Doradus": "GDOR",
        "Herbig AE/BE Star": "HAEBE",
        "Lambda Bootis Variable": "LBOO",
        "Mira": "MIRA",
        "Periodically variable supergiants": "PVSG",
        "Population II Cepheid": "CW",
        "RR Lyrae, First Overtone": "RRC",
        "RR Lyrae, Fundamental Mode": "RRAB",
        "RV Tauri": "RV",
        "S Doradus": "SDOR",
        "SX Phoenicis": "SXPHE",
        "Semiregular Pulsating Variable": "SR",
        "Slowly Pulsating B-stars": "SPB",
        "T Tauri": "TTAU",
        "Wolf-Rayet": "WR",
        "X Ray Binary": "XB",
    },
    "ogle": {
        "Algol (Beta Persei)": "EA",
        "Beta Lyrae": "EB",
        "Multiple Mode Cepheid": "DMCEP",
        "RR Lyrae, Double Mode": "RRD",
        "W Ursae Majoris": "EW",
    },
}
OF_SURVEY = {
    "asas": {
        "light_curves": "*/data/ASAS/*.xml",
        "id_from": "description",
        "id_pattern": r"for (\S+)$",
        "position_from_id": True,
        "time_origin_jd": 0.0,
    },
    "hipparcos": {"bands": {"Clear": "Hp"}, "time_origin_jd": 2440000.0},
    "ogle": {
        "bands": {"Clear": "I"},
        "time_origin_jd": [{"below": 20000, "jd": 2450000.0}, {"below": 1000000, "jd": 2400000.0}, {"jd": 0.0}],
    },
}


@pytest.mark.parametrize(("survey", "num_stars"), [("asas", 12244), ("hipparcos", 869), ("ogle", 523)])
def test_archive_as_published_equals_the_plain_dump(shared, survey, num_stars):
    (archive,) = shared.glob("surveys/lightcurves-*.tar.xz")
    options = OPTIONS | {"light_curves": "*/data/debosscher/*.xml", "other_classes": "leave_out", "missing_values": []}
    options |= {"labels": CLASSES[survey]} | OF_SURVEY[survey]
    of_survey = make_survey("votimeseries", options)
    objects, observations = read_all(of_survey, archive)
    catalog, light_curves = plain_dump(shared / f"surveys/{survey}.tar.xz", every=37)

    assert len(objects) == num_stars
    counts = observations.group_by("id").agg(pl.len().cast(pl.Int64).alias("N"))
    found = objects.join(counts, on="id").sort("id")
    catalog = catalog.rename({"ID": "id", "Class": "class", "Band": "band"}).sort("id")
    columns = ["id", "class", "band", "N"]
    assert found.select(columns).equals(catalog.select(columns))
    np.testing.assert_allclose(found["ra"], catalog["RA"], atol=1e-6)
    right = ~catalog["id"].str.contains("-")  # ASAS' Dec is wrong in the south, in the catalogue and in the archive
    np.testing.assert_allclose(found.filter(right)["dec"], catalog.filter(right)["Dec"], atol=1e-6)
    assert observations["mjd"].is_between(47800, 55500).all()
    assert observations["text"].null_count() == len(observations)
    of_star = observations.filter(pl.col("id").is_in(list(light_curves))).partition_by("id", as_dict=True)
    for star, values in light_curves.items():
        rows_of_star = of_star[star,].sort("line")
        np.testing.assert_array_equal(
            rows_of_star.select("mag", "err_mag").to_numpy(), values[:, 1:].astype(np.float32)
        )
        shift = rows_of_star["mjd"].to_numpy() - values[:, 0]
        origin = votimeseries.to_mjd(pl.lit(0.0), of_survey.options.time_origin_jd, pl.lit(np.median(values[:, 0])))
        np.testing.assert_allclose(shift, pl.select(origin).item(), atol=1e-8)


def plain_dump(path, every):
    """Return the catalogue, and the light curves (time, mag, err_mag) of every so many-th star by id."""
    light_curves = {}
    with tarfile.open(path, "r|xz") as archive:
        for i, info in enumerate(archive):
            if info.name.endswith("catalog.csv"):
                catalog = pl.read_csv(archive.extractfile(info).read(), schema_overrides={"ID": pl.String})
            elif info.isfile() and i % every == 0:
                star = info.name.rpartition("/")[2].removesuffix(".dat")
                light_curves[star] = np.loadtxt(archive.extractfile(info), ndmin=2)
    return catalog, light_curves
