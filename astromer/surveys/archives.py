"""Archives as streams: the files that unpacking one would leave, its links followed."""

import os
import posixpath
import stat
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath
from shutil import copyfileobj
from typing import IO, Any

from astromer.errors import InputError
from astromer.surveys.compression import CHUNK_BYTES, DAMAGED, decompressed
from astromer.surveys.losses import Report

MAX_LINKS = 40  # links followed one after another, as Linux does
MAX_TARGET_BYTES = 4096  # of the path that a link of a zip contains


@dataclass(frozen=True)
class Entry:
    """One member of an archive.

    Attributes:
        ordinal: its place, from 0.
        kind: `file`, `folder`, `link` or `special`.
        target: the path that a link leads to; None if that is outside of the archive.
    """

    ordinal: int
    kind: str
    target: str | None = None


@dataclass(frozen=True)
class Index:
    """Content of an archive.

    Attributes:
        entries: the last member of each name, which is the one that unpacking would leave.
        replaced: the names of the members that a later one replaces.
    """

    entries: dict[str, Entry]
    replaced: tuple[str, ...]

    def file_of(self, name: str) -> Entry | None:
        """Return the file that a name leads to, through links if necessary; None if it leads to no file."""
        for _ in range(MAX_LINKS):
            entry = self.entries.get(name)
            if entry is None or entry.kind != "link" or entry.target is None:
                break
            name = entry.target
        return entry if entry and entry.kind == "file" else None

    def report(self, lost: Report) -> None:
        """Report the members that are not read."""
        for name in self.replaced:
            lost("file", "replaced by a later member", file=name)
        for name, entry in self.entries.items():
            if entry.kind == "special":
                lost("file", "not a regular file", file=name)
            elif entry.kind == "link" and self.file_of(name) is None:
                target = entry.target or "a path outside of the archive"
                lost("file", "link to no file of the archive", file=name, text=f"leads to {target}")


def archive_type(path: Path) -> str | None:
    """Return `zip` or `tar` if the content of a file is that of an archive."""
    with path.open("rb") as file, suppress(*DAMAGED), decompressed(path.name, file) as stream:
        tarfile.TarInfo.frombuf(stream.read(tarfile.BLOCKSIZE), tarfile.ENCODING, "surrogateescape")
        return "tar"
    return "zip" if zipfile.is_zipfile(path) else None  # last, because a tar may end with a zip


def archive_members(path: Path, wanted: Callable[[str], bool], lost: Report) -> Iterator[tuple[str, IO[bytes]]]:
    """Yield name and stream of the files of an archive that are `wanted`, links among them, in the archive's order.

    A link is yielded where its target stands. Members that cannot be read are reported to `lost`.
    """
    members = _zip_streams if archive_type(path) == "zip" else _tar_streams
    status = path.stat()
    index = _index(path, status.st_size, status.st_mtime_ns)
    index.report(lost)
    names: dict[int, list[str]] = {}
    for name in index.entries:
        if (file := index.file_of(name)) and wanted(name):
            names.setdefault(file.ordinal, []).append(name)
    for ordinal, stream in members(path, names.keys()):
        yield from _under_names(stream, names[ordinal])


def _under_names(stream: IO[bytes], names: list[str]) -> Iterator[tuple[str, IO[bytes]]]:
    if len(names) == 1:
        yield names[0], stream
        return
    with tempfile.TemporaryFile() as copy:
        copyfileobj(stream, copy, CHUNK_BYTES)
        copy.flush()
        for name in names:
            with os.fdopen(os.dup(copy.fileno()), "rb") as again:
                again.seek(0)
                yield name, again


@lru_cache(maxsize=4)
def _index(path: Path, size: int, mtime_ns: int) -> Index:
    """Index an archive, once per process; size and time tell an archive from its successor."""
    entries: dict[str, Entry] = {}
    replaced = []
    for name, entry in (_zip_entries if archive_type(path) == "zip" else _tar_entries)(path):
        before = entries.get(name)
        if before and not before.kind == entry.kind == "folder":
            replaced.append(name)
        entries[name] = entry
    return Index(entries, tuple(replaced))


def _zip_entries(path: Path) -> Iterator[tuple[str, Entry]]:
    with zipfile.ZipFile(path) as archive:
        for ordinal, info in enumerate(archive.infolist()):
            name, kind = _safe_name(path, info.filename), stat.S_IFMT(info.external_attr >> 16)
            if info.is_dir():
                yield name, Entry(ordinal, "folder")
            elif kind == stat.S_IFLNK:
                with archive.open(info) as stream:
                    target = stream.read(MAX_TARGET_BYTES).decode("utf-8", "surrogateescape")
                yield name, Entry(ordinal, "link", _beside(name, target))
            else:
                yield name, Entry(ordinal, "file" if kind in (0, stat.S_IFREG) else "special")


def _zip_streams(path: Path, ordinals: Any) -> Iterator[tuple[int, IO[bytes]]]:
    with zipfile.ZipFile(path) as archive:
        for ordinal, info in enumerate(archive.infolist()):
            if ordinal in ordinals:
                with archive.open(info) as stream:
                    yield ordinal, stream


def _tar_entries(path: Path) -> Iterator[tuple[str, Entry]]:
    with _opened_tar(path) as archive:
        for ordinal, info in _tar_infos(archive):
            name = _safe_name(path, info.name)
            if info.islnk():
                yield name, Entry(ordinal, "link", _beside("", info.linkname))
            elif info.issym():
                yield name, Entry(ordinal, "link", _beside(name, info.linkname))
            else:
                kind = "file" if info.isfile() else "folder" if info.isdir() else "special"
                yield name, Entry(ordinal, kind)
        _check_tar_end(archive)


def _tar_streams(path: Path, ordinals: Any) -> Iterator[tuple[int, IO[bytes]]]:
    remaining = len(ordinals)
    with _opened_tar(path) as archive:
        for ordinal, info in _tar_infos(archive) if remaining else ():
            if ordinal in ordinals and (stream := archive.extractfile(info)):
                yield ordinal, stream
                remaining -= 1
                if not remaining:
                    return


def _tar_infos(archive: Any) -> Iterator[tuple[int, tarfile.TarInfo]]:
    ordinal = 0
    while (info := archive.next()) is not None:
        archive.members.clear()  # `tarfile` would keep them all, 1.5 kB each
        yield ordinal, info
        ordinal += 1


@contextmanager
def _opened_tar(path: Path) -> Iterator[tarfile.TarFile]:
    """Open a tar as a stream; the decompression of `tarfile` itself would not notice that an archive is truncated."""
    with (
        path.open("rb") as file,
        decompressed(path.name, file) as stream,
        tarfile.open(fileobj=stream, mode="r|", bufsize=CHUNK_BYTES) as archive,
    ):
        yield archive


def _check_tar_end(archive: Any) -> None:
    """Check that the archive has ended: `tarfile` takes a damaged header as the end as well."""
    rest = 0
    while chunk := archive.fileobj.read(CHUNK_BYTES):
        if chunk.strip(b"\0"):
            raise tarfile.ReadError("damaged header of a member")
        rest += len(chunk)
    if rest < tarfile.BLOCKSIZE:  # the second block of zeros; `tarfile` has read the first
        raise tarfile.ReadError("unexpected end of data")


def _safe_name(archive: Path, name: str) -> str:
    pure = PurePosixPath(name)
    if pure.is_absolute() or ".." in pure.parts:
        raise InputError(f"{archive}: member {name!r} points outside of the archive")
    return str(pure)


def _beside(name: str, target: str) -> str | None:
    """Return the path that a link leads to, given its own name; None if that is outside of the archive."""
    path = posixpath.normpath(posixpath.join(posixpath.dirname(name), target))
    return None if path.startswith(("/", "../")) or path == ".." else path
