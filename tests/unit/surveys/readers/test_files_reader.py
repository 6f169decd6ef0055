"""One text file per object: clean text parsed at once, and any other text with the same result."""

import io
import math
import zlib

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from reading import ingest, make_survey, read_all

from astromer.errors import InputError
from astromer.surveys.readers import files

OPTIONS = {
    "catalog": "catalog.csv",
    "catalog_columns": {"id": "ID", "class": "Class", "band": "Band", "ra": None, "dec": None},
    "position_from_id": False,
    "light_curves": "LCs/{id}.dat",
    "separator": "whitespace",
    "header": False,
    "columns": ["time", "mag", "err_mag"],
    "time_origin_jd": 2400000.5,
    "missing_values": [],
    "labels": {},
}
RELAXED = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def read_options(**changes):
    return files.Options.read(OPTIONS | changes)


def parse(text, **options):
    content = text if isinstance(text, bytes) else text.encode()
    return files.parse_light_curves([("star", "star.dat", content)], read_options(**options), io.BytesIO())


numbers = st.floats(allow_nan=False, allow_infinity=False, width=64).map(repr) | st.sampled_from(
    ["12", "+1.5", "-.5", "1.", "1e3", "1E-3", "nan", "inf", "-inf"]
)


@given(
    st.lists(st.tuples(numbers, numbers, numbers), min_size=1, max_size=8),
    st.sampled_from([("whitespace", " "), ("whitespace", "\t"), ("whitespace", "  "), (",", ","), (";", ";")]),
    st.permutations(["time", "mag", "err_mag"]),
)
@settings(max_examples=150, deadline=None)
def test_both_parsers_agree_on_clean_text(rows, separator, columns):
    name, text = separator
    content = "".join(text.join(row) + "\n" for row in rows).encode()
    fast, slow = (
        files._parse_clean(content, len(rows), name, columns),
        files._parse_line_by_line(content, name, columns),
    )
    assert fast.select(slow.columns).equals(slow)
    assert len(fast) == len(rows)


lines = st.lists(
    st.lists(numbers | st.sampled_from(["x", "--", "1;2", "1_0", "0x1", "ü", '"', "1,5"]), max_size=5), max_size=6
)


@given(lines, st.sampled_from([" ", "  ", " \t "]), st.sampled_from(["\n", "\r\n"]))
@settings(max_examples=150, deadline=None)
def test_any_text_is_parsed_as_by_hand(rows, blank, end):
    table = parse(end.join(blank.join(row) for row in rows))
    expected = []
    for line, row in enumerate(rows, start=1):
        try:
            values = [float(field.replace("_", "no number")) for field in row]
        except ValueError:
            values = []
        if row:
            with np.errstate(over="ignore"):
                values[1:] = [float(np.float32(value)) for value in values[1:]]
            expected.append((line, *values) if len(values) == 3 else (line, None, None, None))
    found = table.select("line", "mjd", "mag", "err_mag").rows()
    assert repr(found) == repr(expected)
    assert [text is None for text in table["text"]] == [row[1] is not None for row in expected]


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("1  2 0.1\n", ["time", "flag", "mag", "err_mag"]),
        ("1 2 0.1 5\n", ["time", "mag", "err_mag"]),
        (" 1 2\n", ["time", "mag", "err_mag"]),
        ("1 2 \n", ["time", "mag", "err_mag"]),
        ("1,2,0.1\n", ["time", "mag", "err_mag"]),
        ("1 0.1 7\n", ["time", "mag", "err_mag", "flag"]),
    ],
)
def test_line_with_other_fields_gives_no_numbers(text, columns):
    for content in (text, text + "1 x 2 0.1\n"):
        first = parse(content, columns=columns).row(0, named=True)
        assert (first["mag"], first["text"]) == (None, text.strip())


@pytest.mark.parametrize("others", ["", "1;x;0.1;9\n"])
def test_blank_last_fields_are_fields(others):
    """A line that lacks a magnitude has fewer fields: its error would be read as the magnitude."""
    text = "1;12;0.1;\n2;0.1;7\n3;12;0.1;8\n" + others
    table = parse(text, columns=["time", "mag", "err_mag", "flag"], separator=";")
    assert table["mag"].to_list()[:3] == [12, None, 12]


def test_a_byte_order_mark_is_no_part_of_the_first_observation():
    assert parse(b"\xef\xbb\xbf1 12 0.1\n2 12 0.1\n")["mjd"].to_list() == [1, 2]


def test_missing_values_and_origins_by_object():
    rules = [{"below": 10000, "jd": 2450000.0}, {"jd": 0.0}]
    block = [("a", "a.dat", b"600 -99.0 1\n601 12 0.1\n602 12 -99.00"), ("b", "b.dat", b"2450600 12 0.1\n")]
    options = read_options(time_origin_jd=rules, missing_values=[-99.0])
    table = files.parse_light_curves(block, options, io.BytesIO(b"of the block before " * 9))
    assert table["mjd"].to_list() == [50599.5, 50600.5, 50601.5, 50599.5]
    assert [math.isnan(mag) for mag in table["mag"]] == [True, False, False, False]
    assert [math.isnan(err) for err in table["err_mag"]] == [False, False, True, False]


@pytest.fixture
def dump(tmp_path):
    folder = tmp_path / "dump"
    (folder / "LCs").mkdir(parents=True)
    (folder / "catalog.csv").write_text("ID,Class,Band\na,Mira,V\n")
    (folder / "LCs/a.dat").write_text("1 10 0.1\n2 10 0.1\n")
    return folder


def test_catalogue_in_parquet_with_labels_renamed(dump):
    bands = pl.Series([None, None], dtype=pl.String)
    places = {"RA": [1.5, None], "Dec": [-20.25, None]}
    catalog = pl.DataFrame({"ID": [17, 18], "Class": ["Mira", "EC"], "Band": bands, **places})
    catalog.write_parquet(dump / "catalog.parquet")
    options = OPTIONS | {"catalog": "catalog.parquet", "labels": {"Mira": "LPV"}}
    options["catalog_columns"] = {"id": "ID", "class": "Class", "band": "Band", "ra": "RA", "dec": "Dec"}
    objects, _ = read_all(make_survey("files", options), dump)
    expected = [("17", "LPV", None, 1.5, -20.25), ("18", "EC", None, None, None)]
    assert objects.drop("file", "rows").rows() == expected


@pytest.mark.parametrize("column", ["ID", "Class"])
def test_floating_point_ids_and_classes_of_a_catalogue_are_refused(dump, column):
    """They would be `1.0` and `NaN`."""
    catalog = pl.DataFrame({"ID": ["17"], "Class": ["Mira"], "Band": ["V"]}).with_columns(pl.lit(1.0).alias(column))
    catalog.write_parquet(dump / "catalog.parquet")
    with pytest.raises(InputError, match=rf"catalog\.parquet: column '{column}' has floating point numbers"):
        read_all(make_survey("files", OPTIONS | {"catalog": "catalog.parquet"}), dump)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not a CSV table"),
        (b"PAR1 damaged", "not a CSV table"),
        (b"Name,Class,Band\n", r"no column 'ID' \(configured as catalog_columns\.id\); it has Name, Class, Band"),
        (b"ID,Class,Band\na,b,V\n,c,V\n", "row 2 has no ID"),
    ],
)
def test_bad_catalogue(dump, content, message):
    (dump / "catalog.csv").write_bytes(content)
    with pytest.raises(InputError, match=rf"catalog\.csv: {message}"):
        read_all(make_survey("files", OPTIONS), dump)


@pytest.mark.parametrize("name", ["000006+2553.2", "a b", "-5.", "MACHO*23", "стар-é", "'quoted'", "{id}", "a,b;c"])
def test_odd_ids(dump, tmp_path, name):
    (dump / "catalog.csv").write_text(f'ID,Class,Band\n"{name}",Mira,V\n')
    (dump / "LCs/a.dat").rename(dump / f"LCs/{name}.dat")
    for shards in (1, 3):
        objects, observations, _ = ingest(make_survey("files", OPTIONS, shards), dump, tmp_path)
        assert objects.select("id", "class", "num_obs").rows() == [(name, "Mira", 2)]
        assert observations["id"].to_list() == [name] * 2


def test_a_folder_of_light_curves_needs_no_catalogue(tmp_path):
    for name, text in {"a": "1 15 .1\n2 15 .1\n", "b.c": "1 16 .1\n", "empty": ""}.items():
        (tmp_path / f"{name}.txt").write_text(text)
    survey = make_survey("files", {"light_curves": "{id}.txt"}, shards=2)
    objects, observations, counts = ingest(survey, tmp_path, tmp_path)
    assert objects.select("id", "class", "band", "num_obs").rows() == [("a", None, None, 2), ("b.c", None, None, 1)]
    assert observations["id"].to_list() == ["a", "a", "b.c"]
    assert counts["object", "read"] == 3
    assert counts["object", "rejected: no light curve"] == 1


def test_two_catalogue_rows_of_an_object(dump, tmp_path):
    (dump / "catalog.csv").write_text("ID,Class,Band\na,Mira,V\na,EC,V\n")
    with pytest.raises(InputError, match="two rows of object a"):
        ingest(make_survey("files", OPTIONS), dump, tmp_path)


fields = st.sampled_from(["1", "2", "3.5", "nan", "inf", "0", "-1", "0.125", "0.25", "1e9", "x", ""])
light_curve = st.lists(st.lists(fields, min_size=2, max_size=4), max_size=6)
stars = st.sampled_from(["a", "b+1.5", "ü", "c d"])


@given(
    light_curves=st.dictionaries(stars, light_curve, min_size=1, max_size=4),
    catalog=st.sets(stars, min_size=1),
    shards=st.integers(1, 3),
    min_observations=st.integers(1, 3),
)
@RELAXED
def test_ingest_equals_a_slow_reference(tmp_path_factory, light_curves, catalog, shards, min_observations):
    folder = tmp_path_factory.mktemp("random")
    dump = folder / "dump"
    (dump / "LCs").mkdir(parents=True)
    (dump / "catalog.csv").write_text("ID,Class,Band\n" + "".join(f"{star},Mira,V\n" for star in sorted(catalog)))
    for star, rows in light_curves.items():
        (dump / f"LCs/{star}.dat").write_text("".join(" ".join(row) + "\n" for row in rows))
    survey = make_survey("files", OPTIONS, shards, min_observations=min_observations)
    objects, observations, counts = ingest(survey, dump, folder)
    kept, rejected = reference(light_curves, catalog, min_observations)
    assert observations.rows() == [(star, *row) for star in sorted(kept) for row in kept[star]]
    assert dict(objects.select("id", "num_obs").rows()) == {star: len(rows) for star, rows in kept.items()}
    found = {key: count for key, count in counts.items() if key[1].startswith("rejected")}
    empty = sum(not any(" ".join(row).strip() for row in rows) for rows in light_curves.values())
    assert found.pop(("file", "rejected: no rows"), 0) == empty
    assert found == rejected
    for level in ("object", "observation"):
        lost = sum(count for (of, _), count in rejected.items() if of == level)
        assert counts[level, "read"] == counts[level, "kept"] + lost


def reference(light_curves, catalog, min_observations):
    """Return the rows kept of each star, and how many objects and observations each rule rejects."""
    kept, rejected = {}, {}

    def reject(level, rule, count=1):
        if count:
            rejected[level, f"rejected: {rule}"] = rejected.get((level, f"rejected: {rule}"), 0) + count

    for star in light_curves.keys() | catalog:
        good, lines = {}, [" ".join(row) for row in light_curves.get(star, []) if " ".join(row).strip()]
        for line in lines:
            rule, values = judge(line, good)
            if rule:
                reject("observation", rule)
            else:
                good[values[0]] = values
        object_rule = {
            "not in the catalogue": star not in catalog and lines,
            "no light curve": star in catalog and not lines,
            "too few observations": star in catalog and lines and len(good) < min_observations,
        }
        if rule := next((rule for rule, holds in object_rule.items() if holds), None):
            reject("object", rule)
        if rule or star not in catalog:
            reject("observation", "of a rejected object", len(good))
        else:
            kept[star] = [good[mjd] for mjd in sorted(good)]
    return kept, rejected


def judge(line, good):
    try:
        mjd, mag, err_mag = map(float, line.split())
    except ValueError:
        return "unreadable line", None
    rules = {
        "missing value": any(map(math.isnan, (mjd, mag, err_mag))),
        "not a finite number": any(map(math.isinf, (mjd, mag, err_mag))),
        "time out of range": not -1e5 <= mjd <= 3e5,
        "magnitude out of range": not -50 <= mag <= 50,
        "error out of range": not 0 < err_mag < 1,
        "time repeated": mjd in good,
    }
    return next((rule for rule, holds in rules.items() if holds), None), (mjd, mag, err_mag)


def test_parts_do_not_depend_on_python_hashes(dump, tmp_path):
    objects, *_ = ingest(make_survey("files", OPTIONS, 3), dump, tmp_path)
    assert objects["shard"].to_list() == [zlib.crc32(b"a") % 3]
