"""Where a survey's files come from: folders and archives, read as streams and never unpacked to disk."""

import bz2
import gzip
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import IO

from astromer.errors import InputError

_CHUNK_BYTES = 1 << 20
_OPENERS = {b"\x1f\x8b": gzip.open, b"\xfd7zXZ\x00": lzma.open, b"BZh": bz2.open}
_END_OF_ARCHIVE = bytes(1024)
_DAMAGED = (tarfile.TarError, zipfile.BadZipFile, lzma.LZMAError, zlib.error, EOFError, OSError)


def iter_members(source: Path, wanted: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of the files inside `source` whose name is `wanted`, in the source's own order.

    Args:
        source: a folder, a `.zip`, or a tar archive with any compression.
        wanted: says for a name relative to the source (with `/`) whether to read that file.

    Raises:
        InputError: the source is missing or damaged, or a member's name points outside of it.
    """
    if not source.exists():
        raise InputError(f"{source}: no such file or folder; expected a survey's dump")
    if source.is_dir():
        yield from _folder_members(source, wanted)
        return
    archive_members = _zip_members if zipfile.is_zipfile(source) else _tar_members
    try:
        yield from archive_members(source, wanted)
    except _DAMAGED as error:
        raise InputError(f"{source}: unreadable archive ({error or type(error).__name__})") from error


def read_member(source: Path, name: str) -> bytes:
    """Return the content of one file inside `source`."""
    for _, content in iter_members(source, name.__eq__):
        return content
    raise InputError(f"{source}: has no file named {name}")


def _folder_members(folder: Path, wanted: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and wanted(name):
            yield name, path.read_bytes()


def _zip_members(path: Path, wanted: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            name = _safe_name(path, info.filename)
            if not info.is_dir() and wanted(name):
                yield name, archive.read(info)


def _tar_members(path: Path, wanted: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:
    with _decompressed(path) as stream, tarfile.open(fileobj=stream, mode="r|") as archive:
        for info in archive:
            name = _safe_name(path, info.name)
            if info.isfile() and wanted(name):
                yield name, archive.extractfile(info).read()
        # tarfile takes a stream that breaks off between two members for a whole one; reading on tells them apart.
        while stream.read(_CHUNK_BYTES):
            pass


def _decompressed(path: Path) -> IO[bytes]:
    """Open a tar archive as a stream of decompressed bytes; where the file breaks off, opening or reading it raises."""
    with path.open("rb") as file:
        magic = file.read(6)
        for start, opener in _OPENERS.items():
            if magic.startswith(start):
                return opener(path)
        file.seek(max(0, path.stat().st_size - len(_END_OF_ARCHIVE)))
        if file.read() != _END_OF_ARCHIVE:
            raise EOFError("no end-of-archive mark")
    return path.open("rb")


def _safe_name(archive: Path, name: str) -> str:
    pure = PurePosixPath(name)
    if pure.is_absolute() or ".." in pure.parts:
        raise InputError(f"{archive}: member {name!r} points outside of the archive")
    return str(pure)
