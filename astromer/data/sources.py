"""Where a survey's files come from: folders and archives, read as streams and never unpacked to disk."""

import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

from astromer.errors import InputError

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
    with tarfile.open(path, mode="r|*") as archive:
        for info in archive:
            name = _safe_name(path, info.name)
            if info.isfile() and wanted(name):
                yield name, archive.extractfile(info).read()


def _safe_name(archive: Path, name: str) -> str:
    pure = PurePosixPath(name)
    if pure.is_absolute() or ".." in pure.parts:
        raise InputError(f"{archive}: member {name!r} points outside of the archive")
    return str(pure)
