"""Folders, archives and single files as streams: the same content whatever the packing, or a clear error."""

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile

import pytest

from astromer.errors import InputError
from astromer.surveys.sources import iter_members, line_blocks, open_members, read_member

CONTENT = {
    "top/a+1.5.dat": b"1 2 3\n" * 300,
    "top/b/stern ü.dat": b"",
    "top/b.dat": b"4 5 6",
    "top/notes.txt": b"not wanted\n" * 2000,
}
PACKINGS = ["folder", "zip", "tar", "tar.gz", "tgz", "tar.xz", "tar.bz2"]


def everything(name):
    return True


def pack(packing, folder, content=CONTENT):
    path = folder / f"dump.{packing}"
    if packing == "folder":
        for name, data in content.items():
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            (path / name).write_bytes(data)
    elif packing == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            for name, data in content.items():
                archive.writestr(name, data)
    else:
        mode = {"tar": "w", "tgz": "w:gz"}.get(packing, f"w:{packing[4:]}")
        with tarfile.open(path, mode) as archive:
            for name, data in content.items():
                info = tarfile.TarInfo(name)
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))
    return path


@pytest.mark.parametrize("packing", PACKINGS)
def test_content_is_the_same_in_every_packing(packing, tmp_path):
    source = pack(packing, tmp_path)
    found = dict(iter_members(source, lambda name: name.endswith(".dat")))
    assert found == {name: data for name, data in CONTENT.items() if name.endswith(".dat")}
    assert read_member(source, "top/b.dat") == b"4 5 6"
    with pytest.raises(InputError, match="has no file named top/c"):
        read_member(source, "top/c")


def test_folder_is_read_in_the_order_of_names(tmp_path):
    names = [name for name, _ in iter_members(pack("folder", tmp_path), everything)]
    assert names == ["top/a+1.5.dat", "top/b/stern ü.dat", "top/b.dat", "top/notes.txt"]


def test_single_file_is_its_own_only_member(tmp_path):
    path = tmp_path / "stars.csv"
    path.write_bytes(b"id\n")
    (tmp_path / "labels.csv").write_bytes(b"class\n")
    assert dict(iter_members(path, everything)) == {"stars.csv": b"id\n"}
    assert not list(open_members(path, lambda name: name == "other.csv"))
    assert read_member(path, "../labels.csv") == b"class\n"


@pytest.mark.parametrize("packing", ["zip", "tar", "tar.xz"])
@pytest.mark.parametrize("name", ["../outside.dat", "/etc/outside.dat", "top/../../outside.dat"])
def test_member_outside_of_the_archive(packing, name, tmp_path):
    source = pack(packing, tmp_path, {"top/a.dat": b"1", name: b"2"})
    with pytest.raises(InputError, match=r"dump\..*'.*outside\.dat' points outside"):
        list(iter_members(source, everything))


@pytest.mark.parametrize("packing", PACKINGS[1:])
@pytest.mark.parametrize("wanted", [everything, lambda name: name == "nothing"])
def test_truncated_archive_is_an_error_wherever_it_ends(packing, wanted, tmp_path):
    whole = pack(packing, tmp_path).read_bytes()
    if packing == "tar":  # behind the mark of its end there is padding, which nothing is lost with
        whole = whole[: -(-len(whole.rstrip(b"\0")) // 512) * 512 + 1024]
    source = tmp_path / f"cut.{packing}"
    for cut in {*range(0, len(whole), max(1, len(whole) // 60)), 512, 1024, 1536, 2560, 3072, len(whole) - 1}:
        source.write_bytes(whole[: min(cut, len(whole) - 1)])
        with pytest.raises(InputError, match=r"cut\..*: unreadable archive"):
            list(iter_members(source, wanted))


def test_damaged_header_is_not_taken_for_the_end(tmp_path):
    source = pack("tar", tmp_path)
    damaged = bytearray(source.read_bytes())
    damaged[damaged.index(b"top/b.dat") + 148] ^= 1  # within the checksum of the header, which begins with the name
    source.write_bytes(damaged)
    with pytest.raises(InputError, match="unreadable archive"):
        list(iter_members(source, everything))


def test_missing_source(tmp_path):
    with pytest.raises(InputError, match="no such file or folder"):
        list(open_members(tmp_path / "nowhere.tar.xz", everything))


def blocks_of(source, size):
    return [block for file in open_members(source, everything) for block in line_blocks(source, *file, size)]


PACKERS = {"": bytes, ".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress}


@pytest.mark.parametrize("suffix", PACKERS)
@pytest.mark.parametrize("size", [20, 64, 10_000])
def test_line_blocks_lose_nothing(suffix, size, tmp_path):
    lines = [f"{i} star" for i in range(100)]
    path = tmp_path / f"x.csv{suffix}"
    path.write_bytes(PACKERS[suffix]("\r\n".join(lines).encode()))
    blocks = blocks_of(path, size)
    assert b"".join(blocks).decode().split("\n") == [*lines, ""]
    assert all(block.endswith(b"\n") and len(block) <= 2 * size for block in blocks)


def test_endless_line_does_not_fill_the_memory(tmp_path):
    path = tmp_path / "x.csv"
    path.write_bytes(b"1,2\n" + b"7" * 1000)
    with pytest.raises(InputError, match=r"x\.csv has a line of more than 100 bytes"):
        blocks_of(path, 100)


@pytest.mark.parametrize("suffix", [".gz", ".bz2", ".xz"])
def test_truncated_file_inside_of_a_folder(suffix, tmp_path):
    (tmp_path / f"tile{suffix}").write_bytes(PACKERS[suffix](b"1;2\n" * 5000)[:-10])
    with pytest.raises(InputError, match=rf"unreadable file tile\{suffix}"):
        blocks_of(tmp_path, 1000)
