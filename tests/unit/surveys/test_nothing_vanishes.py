"""Whatever a dump holds is kept, counted, or an error: the ways in which values were lost, one test each."""

import gzip

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reading import ingest, make_survey

from astromer.errors import InputError
from astromer.surveys.ingest import ingest_shard, merge_shards
from astromer.surveys.parts import read_shard

COLUMNS = {"id": "id", "time": "mjd", "mag": "mag", "err_mag": "err"}
HEADER = "id,mjd,mag,err"


def table(columns=None, shards=1, **options):
    return make_survey("table", {"columns": COLUMNS | (columns or {})} | options, shards)


def files(shards=1, **options):
    return make_survey("files", {"catalog": "catalog.csv", "light_curves": "{id}.dat"} | options, shards)


def write(folder, contents):
    for name, content in contents.items():
        path = folder / "dump" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder / "dump"


def light_curve_dump(folder, *stars, **contents):
    catalog = "ID,Class,Band\n" + "".join(f"{star},Mira,V\n" for star in stars)
    return write(folder, {"catalog.csv": catalog} | {f"{name}.dat": text for name, text in contents.items()})


# Bands


@pytest.mark.parametrize("shards", [1, 3])
def test_rows_of_other_bands_are_counted(tmp_path, shards):
    dump = write(tmp_path, {"a.csv": f"{HEADER},f\n1,1,15,.1,g\n1,2,15,.1,r\n2,1,15,.1,r\n2,2,15,.1,\n"})
    _, observations, counts = ingest(table({"band": "f"}, shards, bands={"g": "g"}), dump, tmp_path)
    assert observations.height == 1
    assert counts["observation", "read"] == 4
    assert counts["observation", "rejected: other band"] == 3


def test_without_bands_a_table_has_to_have_one_band(tmp_path):
    rows = [f"1,{day},15,.1,g\n" for day in range(9)]
    dump = write(tmp_path, {"a.csv": f"{HEADER},f\n" + "".join(rows)})
    objects, *_ = ingest(table({"band": "f"}), dump, tmp_path)
    assert objects["band"].to_list() == ["g"]
    write(tmp_path, {"b.csv": f"{HEADER},f\n2,1,15,.1,r\n"})
    shard = ingest_shard(
        read_shard(table({"band": "f"}, tables="a.csv"), name="sky", source=dump, seed=None, shard=0),
        table({"band": "f"}),
        name="sky",
        shard=0,
    )
    with pytest.raises(InputError, match="several bands, g, r; the key `bands`"):
        ingest(table({"band": "f"}), dump, tmp_path)
    paths = [tmp_path / name for name in ("observations", "objects", "quality")]
    shard.write(*paths)
    other = shard.objects.with_columns(band=pl.lit("r"))
    other.write_parquet(tmp_path / "other")
    with pytest.raises(InputError, match="survey sky: there are several bands, g, r"):
        merge_shards([paths[1], tmp_path / "other"], paths[2:], tmp_path / "metadata", one_band=True)


def test_a_survey_of_which_nothing_is_kept_is_an_error_with_the_counts(tmp_path):
    dump = write(tmp_path, {"a.csv": f"{HEADER},f\n1,1,15,.1,g\n1,2,15,.1,g\n"})
    survey = table({"band": "f"}, bands={"V": "V"})
    raw = read_shard(survey, name="sky", source=dump, seed=None, shard=0)
    paths = [tmp_path / name for name in ("observations", "objects", "quality")]
    ingest_shard(raw, survey, name="sky", shard=0).write(*paths)
    with pytest.raises(InputError) as error:
        merge_shards(*([path] for path in paths[1:]), tmp_path / "metadata")
    assert not (tmp_path / "metadata").exists()
    assert "survey sky: nothing is kept" in str(error.value)
    assert "2 observations rejected: other band" in str(error.value)
    assert "file: a.csv, line: 2" in str(error.value)


def test_other_bands_and_repeated_tables_and_other_classes_of_votimeseries(tmp_path):
    rows = "<TR><TD>1</TD><TD>10</TD><TD>.1</TD></TR>"
    fields = "".join(f"<FIELD name='{name}'/>" for name in ("t", "m", "m_err"))
    tables = "".join(
        f"<TABLE name='{band}:1'>{fields}<DATA><TABLEDATA>{content}</TABLEDATA></DATA></TABLE>"
        for band, content in (("V", rows), ("V", rows), ("I", rows * 2))
    )
    text = f"<S>{tables}<Classification><class name='Mira'/></Classification></S>"
    dump = write(tmp_path, {"a.xml": text, "b.xml.gz": gzip.compress(text.replace("Mira", "Nova").encode())})
    options = {"light_curves": "*.xml*", "bands": {"V": "V"}, "labels": {"Mira": "M"}, "other_classes": "leave_out"}
    objects, _, counts = ingest(make_survey("votimeseries", options), dump, tmp_path)
    assert objects.select("id", "class", "num_obs").rows() == [("a", "M", 1)]
    assert counts["observation", "rejected: table repeated"] == 2
    assert counts["observation", "rejected: other band"] == 4
    assert counts["observation", "rejected: of a rejected object"] == 1
    assert counts["object", "rejected: other class"] == 1
    assert counts["observation", "read"] == 8
    objects, *_ = ingest(make_survey("votimeseries", options | {"other_classes": "keep"}), dump, tmp_path)
    assert objects["id"].to_list() == ["a", "b"], "the suffix of compression is no part of the id"


# Headers


@pytest.mark.parametrize(
    "names", [["mjd", "mag", "errmag"], ["Time", "Magnitude [mag]", "mag_err"], ["HJD", '"m"', "e_mag"]]
)
@pytest.mark.parametrize("order", [(0, 1, 2), (1, 0, 2), (2, 1, 0)])
@pytest.mark.parametrize("separator", [("whitespace", "\t"), (",", ",")])
def test_names_of_the_header_decide(tmp_path, names, order, separator):
    if separator[1] == "\t":
        names = [name.replace(" ", "") for name in names]
    lines = [[names[i] for i in order], *([str((day, 12.5, 0.25)[i]) for i in order] for day in (1, 2))]
    text = "\n".join(separator[1].join(line) for line in lines)
    dump = light_curve_dump(
        tmp_path, "a", "b", a=text, b=f"{','.join(('mjd', 'mag', 'err')).replace(',', separator[1])}\n"
    )
    _, observations, _ = ingest(files(header=True, separator=separator[0]), dump, tmp_path)
    assert observations.rows() == [("a", 1.0, 12.5, 0.25), ("a", 2.0, 12.5, 0.25)]


@pytest.mark.parametrize(
    "text",
    [
        *("1 12.5 0.1\n2 12 0.1\n", "mjd mag\n1 2 3\n", "mjd,mag,err\n1,2,3\n", "mag err x\n1 2 3\n"),
        *("time flux flux_err\n1 2 3\n", "time counts(adu) x\n1 2 3\n", "time mag flux_err\n1 2 3\n"),
    ],
)
def test_a_header_that_is_none_or_contradicts_the_columns_is_an_error(tmp_path, text):
    dump = light_curve_dump(tmp_path, "a", a=text)
    with pytest.raises(InputError, match=r"a\.dat: its (first line|header) is "):
        ingest(files(header=True), dump, tmp_path)


@pytest.mark.parametrize("header", ["# HJD (d) mag [mag] err", "HJD mag err flux", "HJD (d) mag err flux (mJy)"])
def test_units_and_other_columns_of_a_header(tmp_path, header):
    dump = light_curve_dump(tmp_path, "a", a=f"{header}\n1 12.5 0.25{' 7' * ('flux' in header)}\n")
    _, observations, _ = ingest(files(header=True), dump, tmp_path)
    assert observations.rows() == [("a", 1.0, 12.5, 0.25)]


def test_configured_columns_decide_where_the_header_agrees(tmp_path):
    dump = light_curve_dump(tmp_path, "a", a="\nmjd;mag;err;mag_ap;err_ap\n1;10;.5;11;.25\n")
    options = {"header": True, "separator": ";", "columns": ["time", "skip", "skip", "mag", "err_mag"]}
    _, observations, _ = ingest(files(**options), dump, tmp_path)
    assert observations.rows() == [("a", 1.0, 11.0, 0.25)]
    with pytest.raises(InputError, match="contradicts the configured columns"):
        ingest(files(**options | {"columns": ["skip", "time", "skip", "mag", "err_mag"]}), dump, tmp_path)


# Catalogues, positions, classes, times


@pytest.mark.parametrize(
    ("catalog", "message"),
    [
        ("ID,Class,Band\na,Mira\n", "Row #2: Expected 3 columns, got 2"),
        ("ID,Class,Band,Class\na,Mira,V,EC\n", "more than one column 'Class'"),
        ("ID,Class,Band\n ,Mira,V\n", "row 1 has no ID"),
    ],
)
def test_a_catalogue_that_would_lose_values_is_refused(tmp_path, catalog, message):
    dump = write(tmp_path, {"catalog.csv": catalog, "a.dat": "1 2 3\n"})
    with pytest.raises(InputError, match=message):
        ingest(files(), dump, tmp_path)


def test_a_blank_or_nan_position_is_unknown(tmp_path):
    catalog = "ID,Class,Band,RA,Dec\na,Mira,V,nan,5\nb,,V, ,\nc,EC,V,1.5,-2\n"
    dump = write(tmp_path, {"catalog.csv": catalog} | {f"{star}.dat": "1 2 .3\n" for star in "abc"})
    columns = {"id": "ID", "class": "Class", "band": "Band", "ra": "RA", "dec": "Dec"}
    objects, *_ = ingest(files(catalog_columns=columns), dump, tmp_path)
    assert objects.select("class", "ra", "dec").rows() == [("Mira", None, 5), (None, None, None), ("EC", 1.5, -2)]


positions = st.lists(st.tuples(st.floats(-0.01, 0.01), st.floats(-0.01, 0.01)), min_size=1, max_size=9)


@given(positions, st.sampled_from([0.0, 10.0, 359.999]), st.integers(1, 3))
@settings(max_examples=15)
def test_a_position_is_the_median_of_all_rows(tmp_path_factory, scatter, ra, shards):
    folder = tmp_path_factory.mktemp("positions")
    rows = [f"a,{day},15,.1,{(ra + east) % 360!r},{north!r}\n" for day, (east, north) in enumerate(scatter)]
    rows += ["a,99,15,.1,nan,\n"]
    contents = {f"{i}.csv": f"{HEADER},ra,dec\n" + "".join(rows[i::3]) for i in range(3)}
    objects, *_ = ingest(table({"ra": "ra", "dec": "dec"}, shards), write(folder, contents), folder)
    east, north = (sorted(offset[i] for offset in scatter) for i in range(2))
    middle = [len(scatter) // 2, (len(scatter) - 1) // 2]
    found = (objects["ra"].item() - ra + 180) % 360 - 180, objects["dec"].item()
    assert found == pytest.approx([sum(axis[i] for i in middle) / 2 for axis in (east, north)], abs=1e-9)


@pytest.mark.parametrize("shards", [1, 3])
def test_one_damaged_class_does_not_stop_a_survey(tmp_path, shards):
    rows = ["a,1,15,.1,EC", "a,2,15,.1,EC", "a,3,15,.1,E", "b,1,15,.1,EC", "b,2,15,.1,RRab", "c,1,15,.1,"]
    contents = {f"{i}.csv": f"{HEADER},c\n" + "\n".join(rows[i::2]) for i in range(2)}
    objects, _, counts = ingest(table({"class": "c"}, shards), write(tmp_path, contents), tmp_path)
    assert objects.select("id", "class", "num_obs").rows() == [("a", "EC", 3), ("c", None, 1)]
    assert counts["object", "rejected: rows of several classes"] == 1
    assert counts["object", "kept, although some rows state another class"] == 1
    assert counts["observation", "rejected: of a rejected object"] == 2


def test_values_beyond_reason_are_counted(tmp_path):
    rows = ["a,1,15,.1", "a,1e300,15,.1", "a,-2e5,15,.1", "a,2,-99.99,.1", "a,3,9999,.1"]
    dump = write(tmp_path, {"a.csv": "\n".join([HEADER, *rows])})
    _, observations, counts = ingest(table(), dump, tmp_path)
    assert observations["mjd"].to_list() == [1]
    assert counts["observation", "rejected: time out of range"] == 2
    assert counts["observation", "rejected: magnitude out of range"] == 2
    _, observations, _ = ingest(make_survey("table", {"columns": COLUMNS}, mag_range=[-100.0, 0.0]), dump, tmp_path)
    assert observations["mag"].to_list() == [pytest.approx(-99.99)]


def test_ids_of_several_parts_do_not_collide(tmp_path):
    dump = write(tmp_path, {"a.csv": "f,s,mjd,mag,err\n1.2,3,1,15,.1\n1,2.3,2,15,.1\n1,3,3,15,.1\n"})
    objects, _, counts = ingest(table({"id": ["f", "s"]}), dump, tmp_path)
    assert objects["id"].to_list() == ["1.3"]
    assert counts["observation", "rejected: unreadable line"] == 2


def test_two_numbers_in_one_cell_are_no_row(tmp_path):
    fields = "".join(f"<FIELD name='{name}'/>" for name in ("t", "m", "m_err"))
    rows = "\n".join(
        [
            "<TR><TD>1</TD><TD>10</TD><TD>.1</TD></TR>",
            "<TR><TD>2;11</TD><TD>.1</TD></TR>",
            "<TR><TD>3</TD><TD>10</TD>5<TD>.1</TD></TR>",
            "<TR><TD>4</TD><TD>10</TD><TD>.1</TD></TR>x",
            "<TD>5</TD><TD>10</TD><TD>.1</TD></TR>",
        ]
    )
    text = f"<S><TABLE name='V:1'>{fields}<DATA><TABLEDATA>{rows}</TABLEDATA></DATA></TABLE></S>"
    survey = make_survey("votimeseries", {"light_curves": "*.xml", "bands": {"V": "V"}})
    _, observations, counts = ingest(survey, write(tmp_path, {"a.xml": text}), tmp_path)
    assert observations["mjd"].to_list() == [1, 4]
    assert counts["observation", "rejected: unreadable line"] == 3, "the last two lines have one text outside of rows"


# Files


@pytest.mark.parametrize("shards", [1, 2])
def test_files_without_rows_are_counted(tmp_path, shards):
    contents = {
        "a.csv": f"{HEADER}\n1,1,15,.1\n",
        "b.csv": f"{HEADER}\n",
        "c.csv": "",
        "d.csv": f"{HEADER}\n\n\n",
        "e.csv.gz": gzip.compress(b""),
        "f.csv": HEADER,
        "g.parquet": "",
    }
    objects, _, counts = ingest(table(shards=shards), write(tmp_path, contents), tmp_path)
    assert objects["id"].to_list() == ["1"]
    assert counts["file", "rejected: no rows"] == 6
    dump = light_curve_dump(tmp_path, "a", a="mjd mag err\n1 2 .3\n", b="", c="mjd mag err\n", d="\n\n")
    _, _, counts = ingest(files(shards, header=True), dump, tmp_path)
    assert counts["file", "rejected: no rows"] == 3


def test_light_curves_and_catalogue_may_be_compressed(tmp_path):
    catalog = gzip.compress(b"ID,Class,Band\na,Mira,V\n")
    dump = write(tmp_path, {"catalog.csv.gz": catalog, "a.dat.gz": gzip.compress(b"1 2 .3\n")})
    objects, *_ = ingest(files(catalog="catalog.csv.gz", light_curves="{id}.dat.gz"), dump, tmp_path)
    assert objects.select("id", "class").rows() == [("a", "Mira")]


def test_a_long_line_is_cut_in_the_examples(tmp_path):
    dump = write(tmp_path, {"a.csv": f"{HEADER}\n1,1,15,.1\n1,2,15,{'x' * 1_000_000}\n"})
    raw = read_shard(table(), name="sky", source=dump, seed=None, shard=0)
    shard = ingest_shard(raw, table(), name="sky", shard=0)
    (text,) = shard.examples["text"]
    assert text.startswith("1 2 15 xxx")
    assert len(text) < 300
