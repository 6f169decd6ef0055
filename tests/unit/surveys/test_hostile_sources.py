"""Dumps that could hang, fill the memory or end in a stack: each is read, counted, or a clear error, and quickly."""

import gzip
import io
import os
import stat
import subprocess
import tarfile
import time
import zipfile

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reading import ingest, make_survey

from astromer.config.surveys import Download
from astromer.errors import InputError
from astromer.surveys.losses import Losses
from astromer.surveys.reading import members_of_part
from astromer.surveys.sources import in_mirror, iter_members, listing_digest, open_members

SECONDS = 20  # of a test that would take minutes, or for ever


@pytest.fixture(autouse=True)
def quick():
    start = time.monotonic()
    yield
    assert time.monotonic() - start < SECONDS


def everything(name):
    return True


def content_of(source):
    losses = Losses()
    content = dict(iter_members(source, everything, lost=losses.add))
    return content, losses.table().select("rule", "file").rows()


def tar(path, *members):
    """Write a tar of (name, content), or (name, type, target)."""
    with tarfile.open(path, f"w:{path.suffix[1:]}" if path.suffix != ".tar" else "w") as archive:
        for name, content, *target in members:
            info = tarfile.TarInfo(name)
            if target:
                info.type, info.linkname = content, target[0]
                archive.addfile(info)
            else:
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
    return path


@pytest.mark.parametrize("suffix", ["tar", "tar.gz", "tar.xz"])
def test_links_of_a_tar_are_followed_and_the_last_of_equal_names_wins(tmp_path, suffix):
    path = tar(
        tmp_path / f"dump.{suffix}",
        ("a/early", tarfile.SYMTYPE, "x"),
        ("a/x", b"old"),
        ("b", tarfile.LNKTYPE, "a/x"),
        ("a/x", b"new"),
        ("c", tarfile.SYMTYPE, "a/early"),
        ("lost", tarfile.SYMTYPE, "nowhere"),
        ("out", tarfile.SYMTYPE, "../../etc/passwd"),
        ("loop", tarfile.SYMTYPE, "loop"),
        ("pipe", tarfile.FIFOTYPE, ""),
    )
    content, lost = content_of(path)
    assert content == dict.fromkeys(["a/early", "a/x", "b", "c"], b"new")
    no_file = "link to no file of the archive"
    assert set(lost) == {
        ("replaced by a later member", "a/x"),
        ("not a regular file", "pipe"),
        *((no_file, name) for name in ("lost", "out", "loop")),
    }


def test_links_of_a_zip_are_followed_and_the_last_of_equal_names_wins(tmp_path):
    with zipfile.ZipFile(tmp_path / "dump.zip", "w") as archive:
        link = zipfile.ZipInfo("b/link")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "../a")
        archive.writestr("a", "old")
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("a", "new")
    content, lost = content_of(tmp_path / "dump.zip")
    assert content == {"a": b"new", "b/link": b"new"}
    assert lost == [("replaced by a later member", "a")]


names = st.sampled_from("abc")
members = st.lists(
    st.one_of(st.tuples(names, st.binary(max_size=9)), st.tuples(names, st.just(tarfile.SYMTYPE), names))
)


@given(members)
@settings(max_examples=30)
def test_a_tar_is_read_as_it_would_be_unpacked(tmp_path_factory, members):
    folder = tmp_path_factory.mktemp("tar")
    path = tar(folder / "dump.tar", *members)
    unpacked = folder / "unpacked"
    unpacked.mkdir()
    subprocess.run(["tar", "xf", path, "-C", unpacked], check=True)
    files = {file.name: file.read_bytes() for file in unpacked.iterdir() if file.is_file()}
    assert content_of(path)[0] == files


def test_shared_links_are_counted_once_whatever_the_shards(tmp_path):
    table = b"id,mjd,mag,err\n1,1,15,.1\n"
    path = tar(
        tmp_path / "dump.tar",
        ("a.csv", table),
        ("b.csv", tarfile.SYMTYPE, "c.csv"),
        ("d.csv", tarfile.LNKTYPE, "a.csv"),
    )
    options = {"columns": {"id": "id", "time": "mjd", "mag": "mag", "err_mag": "err"}}
    for shards in (1, 3):
        _, _, counts = ingest(make_survey("table", options, shards), path, tmp_path)
        assert counts["file", "rejected: link to no file of the archive"] == 1
        assert counts["observation", "rejected: time repeated"] == 1, "of the file and the link to it"


@pytest.mark.parametrize("name", ["dump.tar.zst", "dump", "dump.dat"])
def test_archives_are_known_by_their_content(tmp_path, name):
    plain = tar(tmp_path / "plain.tar", ("a.csv", b"1"), ("b.csv.zst", pa.compress(b"2", "zstd", asbytes=True)))
    content = plain.read_bytes()
    (tmp_path / name).write_bytes(
        pa.compress(content, "zstd", asbytes=True) if name.endswith("zst") else gzip.compress(content)
    )
    assert content_of(tmp_path / name)[0] == {"a.csv": b"1", "b.csv.zst": b"2"}
    (tmp_path / name).write_bytes((tmp_path / name).read_bytes()[:-9])
    with pytest.raises(InputError, match="unreadable"):
        content_of(tmp_path / name)


def test_a_single_compressed_file_without_suffix(tmp_path):
    (tmp_path / "dump").write_bytes(gzip.compress(b"1 2 3"))
    assert content_of(tmp_path / "dump")[0] == {"dump": b"1 2 3"}


@pytest.mark.parametrize("magic", [b"7z\xbc\xaf\x27\x1c\x00\x04", b"Rar!\x1a\x07\x01\x00", b"\x1f\x9d\x90"])
def test_unsupported_kinds_are_named_with_the_supported_ones(tmp_path, magic):
    for name in ("dump.7z", "dump", "dump.tar.gz"):
        (tmp_path / name).write_bytes(magic + bytes(99))
        with pytest.raises(InputError, match=r"is a .*, which cannot be read; supported are .*\.tar"):
            content_of(tmp_path / name)


def test_pipes_devices_and_endless_links_are_counted(tmp_path):
    dump = tmp_path / "dump"
    (dump / "sub").mkdir(parents=True)
    (dump / "a.csv").write_bytes(b"1")
    os.mkfifo(dump / "pipe.csv")
    (dump / "zero.csv").symlink_to("/dev/zero")
    (dump / "gone.csv").symlink_to("nowhere")
    (dump / "sub/above").symlink_to("..")
    (dump / "again.csv").symlink_to("a.csv")
    content, lost = content_of(dump)
    assert content == {"a.csv": b"1", "again.csv": b"1"}
    assert {rule for rule, _ in lost} == {"not a regular file"}
    assert {name for _, name in lost} == {"pipe.csv", "zero.csv", "gone.csv", "sub/above"}
    for device in (dump / "pipe.csv", dump / "zero.csv"):
        with pytest.raises(InputError, match="is a device or a pipe"):
            list(open_members(device, everything))


@pytest.mark.parametrize("packing", ["zip", "gz", "xml.gz"])
def test_bombs_are_bounded(tmp_path, packing):
    bomb = bytes(3_000_000)
    files = {"light_curves": "{id}.dat", "catalog": "catalog.csv", "max_file_mb": 1}
    if packing == "zip":
        with zipfile.ZipFile(tmp_path / "dump.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("catalog.csv", "ID,Class,Band\na,b,c\n")
            archive.writestr("a.dat", bomb)
        survey, source = make_survey("files", files), tmp_path / "dump.zip"
    else:
        source = tmp_path / "dump"
        source.mkdir()
        (source / "catalog.csv").write_text("ID,Class,Band\na,b,c\n")
        (source / f"a.{packing}").write_bytes(gzip.compress(bomb))
        xml = {"light_curves": "*.xml.gz", "bands": {"V": "V"}, "max_file_mb": 1}
        survey = (
            make_survey("votimeseries", xml)
            if packing == "xml.gz"
            else make_survey("files", files | {"light_curves": "{id}.gz"})
        )
    with pytest.raises(InputError, match=r"a\..* has more than 1 MB; raise `max_file_mb`"):
        ingest(survey, source, tmp_path)


@pytest.mark.parametrize("line", [b"\n", b"1\n", b"\0"])
def test_a_table_of_nothing_is_read_quickly(tmp_path, line):
    (tmp_path / "a.csv.gz").write_bytes(
        gzip.compress(
            b"id,mjd,mag,err\n1,1,15,.1\n" + line * 20_000_000
            if line != b"1\n"
            else b"id,mjd,mag,err\n" + line * 300_000
        )
    )
    options = {"columns": {"id": "id", "time": "mjd", "mag": "mag", "err_mag": "err"}}
    if line == b"\0":
        with pytest.raises(InputError, match="has a line of more than"):
            ingest(make_survey("table", options), tmp_path / "a.csv.gz", tmp_path)
        return
    *_, counts = ingest(make_survey("table", options), tmp_path / "a.csv.gz", tmp_path)
    assert counts["observation", "read"] == (1 if line == b"\n" else 300_000)


def test_a_file_name_that_is_not_utf8_is_named(tmp_path):
    os.close(os.open(os.fsencode(tmp_path) + b"/st\xe9.dat", os.O_CREAT))
    for path in ("*", "{id}.dat"):
        with pytest.raises(InputError, match=r"the name of the file 'st\\udce9\.dat' is not UTF-8"):
            list(members_of_part(tmp_path, path, 0, 1))


def test_encrypted_and_unknown_compression_of_a_zip(tmp_path):
    with zipfile.ZipFile(tmp_path / "dump.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", "content " * 9)
    whole = (tmp_path / "dump.zip").read_bytes()
    central = whole.index(b"PK\x01\x02")
    for offset, value in ((8, 1), (10, 9)):  # flag of encryption; method deflate64
        damaged = bytearray(whole)
        damaged[offset - 2] = damaged[central + offset] = value
        (tmp_path / "dump.zip").write_bytes(damaged)
        with pytest.raises(InputError, match=r"dump\.zip: unreadable archive"):
            content_of(tmp_path / "dump.zip")


FIELDS = "".join(f"<FIELD name='{name}'/>" for name in ("t", "m", "m_err"))
CORRUPT = [
    "<TR>",
    "<TR><TD>",
    "<TD>",
    "<!--",
    "<TR ",
    "<TD/",
    "<TR><TD>1</TD>",
    "</TR>",
    "<TD>1</TD></TR>",
    "&#48;",
    "<TR></TR>",
]


@pytest.mark.parametrize("corrupt", CORRUPT)
def test_rows_need_time_in_proportion_to_their_size(tmp_path, corrupt):
    rows = f"<TR><TD>1</TD><TD>10</TD><TD>.1</TD></TR>\n{corrupt * (600_000 // len(corrupt))}"
    text = f"<S><TABLE name='V:1'>{FIELDS}<DATA><TABLEDATA>{rows}</TABLEDATA></DATA></TABLE></S>"
    (tmp_path / "a.xml").write_text(text)
    survey = make_survey("votimeseries", {"light_curves": "*.xml", "bands": {"V": "V"}})
    _, observations, _ = ingest(survey, tmp_path / "a.xml", tmp_path)
    assert observations["mjd"].to_list() == [1]


@pytest.mark.parametrize("head", ["<a>" * 1_000_000, "<a/>" * 1_000_000, "<TABLEDATA></TABLEDATA>" * 100_000])
def test_a_file_that_is_all_head_is_counted(tmp_path, head):
    (tmp_path / "a.xml").write_text(f"<S>{head}</S>")
    (tmp_path / "b.xml").write_text("<S/>")
    survey = make_survey("votimeseries", {"light_curves": "*.xml", "bands": {"V": "V"}})
    _, _, counts = ingest(survey, tmp_path, tmp_path / "out")
    assert counts["object", "read"] == 2


@pytest.mark.parametrize(
    ("layout", "options", "message"),
    [
        ("files", {"columns": ["time", "time", "mag", "err_mag"]}, "files.columns: has time more than once"),
        ("files", {"light_curves": "{id}/{id}.dat"}, "files.light_curves: holds `{id}` more than once"),
        ("votimeseries", {"id_pattern": "x"}, "votimeseries.id_pattern: is 'x', with 0 groups"),
        ("votimeseries", {"id_pattern": "(a)(b)"}, "with 2 groups"),
        ("votimeseries", {"id_pattern": "("}, "votimeseries.id_pattern: is '('; expected a regular expression"),
        ("files", {"time_origin_jd": []}, "files.time_origin_jd: is []; expected a valid number or at least one rule"),
    ],
)
def test_options_that_would_end_in_a_stack_are_errors_of_the_configuration(layout, options, message):
    needed = {
        "files": {"catalog": "c.csv", "light_curves": "{id}.dat"},
        "votimeseries": {"light_curves": "*", "bands": {"V": "V"}},
    }
    with pytest.raises(InputError) as error:
        make_survey(layout, needed[layout] | options)
    assert message in str(error.value)


@pytest.mark.parametrize("header", [False, True])
def test_skipped_columns_may_have_any_name(tmp_path, header):
    columns = ["skip", "time", "text", "skip", "mag", "surplus", "err_mag", "line"]
    first = "1st 2nd 3rd 4th 5th 6th 7th 8th\n" if header else ""
    (tmp_path / "a.dat").write_text(f"{first}x 1 x x 10 x .5 x\n\nx 2 x x 10 x bad x\n")
    (tmp_path / "catalog.csv").write_text("ID,Class,Band\na,b,c\n")
    survey = make_survey(
        "files", {"catalog": "catalog.csv", "light_curves": "{id}.dat", "columns": columns, "header": header}
    )
    _, observations, counts = ingest(survey, tmp_path, tmp_path)
    assert observations.rows() == [("a", 1.0, 10.0, 0.5)]
    assert counts["observation", "rejected: unreadable line"] == 1


@pytest.mark.parametrize("names", [["line", "text", "mag", "err"], ["text", "line", "column 0", "id"]])
@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_columns_of_a_table_may_have_any_name(tmp_path, names, kind):
    table = pl.DataFrame([["a", "b"], [1.0, 2.0], [10.0, 11.0], [0.5, 0.5]], schema=names)
    (table.write_csv if kind == "csv" else table.write_parquet)(tmp_path / f"t.{kind}")
    options = {"columns": dict(zip(("id", "time", "mag", "err_mag"), names, strict=True))}
    _, observations, _ = ingest(make_survey("table", options), tmp_path / f"t.{kind}", tmp_path)
    assert observations.rows() == [("a", 1.0, 10.0, 0.5), ("b", 2.0, 11.0, 0.5)]


@pytest.mark.parametrize("column", ["id", "mjd", "mag"])
@pytest.mark.parametrize(("value", "problem"), [({"x": 1}, "no column '{}'"), (b"\xff", "column '{}' holds ")])
def test_a_column_of_structures_or_bytes_is_an_error(tmp_path, column, value, problem):
    table = {"id": ["a"], "mjd": [1.0], "mag": [10.0], "err": [0.5]} | {column: [value]}
    pl.DataFrame(table).write_parquet(tmp_path / "t.parquet")
    options = {"columns": {"id": "id", "time": "mjd", "mag": "mag", "err_mag": "err"}}
    with pytest.raises(InputError, match=rf"t\.parquet: {problem.format(column)}"):
        ingest(make_survey("table", options), tmp_path / "t.parquet", tmp_path)


def test_a_checksum_beside_an_archive_is_not_the_archive(tmp_path):
    source = Download(url="https://a.b/x.tar.gz", file="x.tar.gz", content_digests=["0" * 64], digested_members=".*")
    for name in ("x.md5", "x.tar.gz.md5", "x.json", "xy.tar.xz"):
        (tmp_path / name).write_text("")
    assert in_mirror(str(tmp_path), source) is None
    (tmp_path / "x.tar.xz").write_text("")
    assert in_mirror(str(tmp_path), source) == tmp_path / "x.tar.xz"
    assert in_mirror(str(tmp_path), Download(url="https://a.b/x.tar.gz", file="x.tar.gz")) is None
    (tmp_path / "x.tar.gz").write_text("")
    assert in_mirror(str(tmp_path), source) == tmp_path / "x.tar.gz"
    assert in_mirror(None, source) is None


def test_the_listing_of_a_folder_changes_with_its_files(tmp_path):
    (tmp_path / "sub").mkdir()
    path = tmp_path / "sub/a.dat"
    path.write_text("1")
    first = listing_digest(tmp_path)
    assert first == listing_digest(tmp_path)
    assert listing_digest(path) is None
    times = path.stat()
    path.write_text("12")
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    longer = listing_digest(tmp_path)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns + 1))
    assert len({first, longer, listing_digest(tmp_path)}) == 3
