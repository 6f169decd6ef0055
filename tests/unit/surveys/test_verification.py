"""A dump is compared with what its source promises before anything is read from it."""

import hashlib
import tarfile
import zipfile

import pytest

from astromer.config.surveys import Download
from astromer.errors import InputError
from astromer.stages import fetch as stages
from astromer.surveys.verification import content_digest, verify_dump

FILES = {"top/data/b.xml": b"<b/>", "top/data/a.xml": b"<a/>", "top/README": b"read me"}
MEMBERS = r"data/[^/]*\.xml"
LINES = "".join(
    f"{hashlib.sha256(FILES[f'top/{path}']).hexdigest()}  {path}\n" for path in ("data/a.xml", "data/b.xml")
)
DIGEST = hashlib.sha256(LINES.encode()).hexdigest()


def promise(**changes):
    return Download(url="https://example.org/dump", file="dump", **changes)


@pytest.fixture(params=["folder", "tar.gz", "tar.xz", "zip"])
def dump(request, tmp_path):
    folder = tmp_path / "unpacked"
    for name, content in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    path = tmp_path / f"dump.{request.param}"
    if request.param == "folder":
        return folder
    if request.param == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in FILES.items():
                archive.writestr(name, content)
    else:
        with tarfile.open(path, f"w:{path.suffix[1:]}") as archive:
            archive.add(folder / "top", "top")
    return path


def test_content_digest_does_not_depend_on_the_packing(dump):
    assert content_digest(dump, MEMBERS) == DIGEST
    receipt = verify_dump(dump, promise(content_digests=["0" * 64, DIGEST], digested_members=MEMBERS))
    assert receipt["content_digest"] == DIGEST


def test_other_content_is_refused(dump):
    with pytest.raises(InputError, match=rf"{dump.name}: content digest {DIGEST} .*expected 0000"):
        verify_dump(dump, promise(content_digests=["0" * 64], digested_members=MEMBERS))


def test_digest_of_nothing_is_refused(dump):
    with pytest.raises(InputError, match=r"no member matches 'data/.\*\\\\.dat'"):
        content_digest(dump, r"data/.*\.dat")


def test_checksum_of_a_file(tmp_path):
    path = tmp_path / "dump.csv"
    path.write_bytes(b"1,2,3\n")
    sha256 = hashlib.sha256(b"1,2,3\n").hexdigest()
    assert verify_dump(path, promise(sha256=sha256, bytes=6))["sha256"] == sha256
    assert verify_dump(path, None)["sha256"] == sha256
    with pytest.raises(InputError, match=rf"dump\.csv has sha256 {sha256}, expected {'f' * 64}"):
        verify_dump(path, promise(sha256="f" * 64))


def test_missing_dump_is_named(tmp_path):
    with pytest.raises(InputError, match=r"dump\.tar\.gz: no such file or folder; expected the survey's dump there"):
        verify_dump(tmp_path / "dump.tar.gz", None)


def test_the_mirrored_archive_has_the_published_digest(shared):
    archive = next((shared / "surveys").glob("lightcurves-*.tar.xz"))
    found = content_digest(archive, r"data/(ASAS|debosscher)/[^/]*\.xml")
    assert found == "eef7753c425dfc10020b4a53234e9489717c2f2e0e1950ce7f24628a078e7d20"


@pytest.mark.parametrize("downloaded", [True, False])
def test_a_wrong_download_is_set_aside_for_the_next_run(tmp_path, downloaded):
    path = tmp_path / "dump"
    path.write_bytes(b"damaged")
    source = promise(sha256="0" * 64).plain()
    with pytest.raises(InputError, match="downloads it again" if downloaded else "expected 0000"):
        stages.verify_dump(tmp_path / "receipt.json", path=str(path), source=source, downloaded=downloaded)
    assert [left.name for left in tmp_path.iterdir()] == (["dump.rejected"] if downloaded else ["dump"])
