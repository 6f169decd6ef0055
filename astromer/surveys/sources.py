"""Folders, archives and single files with the files of a survey, read as streams and never unpacked to disk."""

import bz2
import gzip
import lzma
import os
import re
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path, PurePosixPath
from typing import IO, Any

from astromer.errors import InputError

_ARCHIVE = re.compile(r".+\.(tar(\.(gz|xz|bz2))?|tgz|txz|tbz2?|zip)", re.IGNORECASE)
_MAGIC = {b"\x1f\x8b": gzip.open, b"\xfd7zXZ\x00": lzma.open, b"BZh": bz2.open}
_COMPRESSED: dict[str, Callable[[Any], Any]] = {".gz": gzip.open, ".xz": lzma.open, ".bz2": bz2.open}
CHUNK_BYTES = 65_536
_DAMAGED = (tarfile.TarError, zipfile.BadZipFile, lzma.LZMAError, zlib.error, EOFError, OSError)


def is_archive(source: Path) -> bool:
    """Return whether the name of a file is that of an archive."""
    return source.is_file() and _ARCHIVE.fullmatch(source.name) is not None


def open_members(source: Path, wanted: Callable[[str], bool]) -> Iterator[tuple[str, IO[bytes]]]:
    """Yield name and stream of the files inside `source` that are `wanted`, in the source's own order.

    A stream is valid until the next one is requested. Files that are compressed one by one are yielded compressed, see
    `decompressed`.

    Args:
        source: a folder, an archive (`.zip`, or `.tar` with any compression), or a single file, which is then the only
            member.
        wanted: function that decides whether to read a file, given its name relative to the source (with `/`).

    Raises:
        InputError: the source is missing or damaged, or a member's name points outside of it.
    """
    if not source.exists():
        raise InputError(f"{source}: no such file or folder; expected a survey's dump")
    if source.is_dir():
        members = _folder_members
    elif not is_archive(source):
        members = _single_member
    else:
        members = _zip_members if zipfile.is_zipfile(source) else _tar_members
    with _naming_damage(f"{source}: unreadable archive"):
        yield from members(source, wanted)


def iter_members(source: Path, wanted: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of the files that `open_members` would yield."""
    with _naming_damage(f"{source}: unreadable archive"):
        if source.is_dir():
            yield from ((name, _content(f"{source}/{name}")) for name in _names_below(source, "") if wanted(name))
        else:
            yield from ((name, stream.read()) for name, stream in open_members(source, wanted))


def read_member(source: Path, name: str) -> bytes:
    """Return the content of one file inside `source`, or beside it where `name` starts with `../`."""
    if name.startswith("../"):
        source, name = source.parent / name.removeprefix("../"), PurePosixPath(name).name
    for _, content in iter_members(source, name.__eq__):
        return content
    raise InputError(f"{source}: has no file named {name}")


def line_blocks(source: Path, name: str, stream: IO[bytes], size: int) -> Iterator[bytes]:
    """Yield the text of one member in blocks of about `size` bytes that end at a line end.

    The text is decompressed according to the suffix of the member's name, and its line ends are converted to Unix ones.
    """
    rest = b""
    with _naming_damage(f"{source}: unreadable file {name}"):
        text = decompressed(name, stream)
        while chunk := text.read(size):
            end = chunk.rfind(b"\n") + 1
            if end:
                yield unix_lines(rest + chunk[:end])
                rest = b""
            rest += chunk[end:]
            if len(rest) > size:
                raise InputError(f"{source}: {name} has a line of more than {size} bytes; expected a text table")
    if rest:
        yield unix_lines(rest) + b"\n"


def unix_lines(text: bytes) -> bytes:
    """Return the text with Unix line ends."""
    return text.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if b"\r" in text else text


def decompressed(name: str, stream: IO[bytes]) -> IO[bytes]:
    """Return a stream of the decompressed content of a `.gz`, `.xz` or `.bz2` member, or the stream of any other."""
    opener = _COMPRESSED.get(PurePosixPath(name).suffix.lower())
    return opener(stream) if opener else stream


def _content(path: str) -> bytes:
    """Read a whole file by its descriptor: for a small file, creating a file object takes as long as reading it."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return b"".join(iter(lambda: os.read(descriptor, CHUNK_BYTES), b""))
    finally:
        os.close(descriptor)


@contextmanager
def _naming_damage(what: str) -> Iterator[None]:
    try:
        yield
    except _DAMAGED as error:
        raise InputError(f"{what} ({error or type(error).__name__})") from error


def _folder_members(folder: Path, wanted: Callable[[str], bool]) -> Iterator[tuple[str, IO[bytes]]]:
    for name in _names_below(folder, ""):
        if wanted(name):
            with (folder / name).open("rb") as stream:
                yield name, stream


def _names_below(folder: Path, prefix: str) -> Iterator[str]:
    """Yield the paths of all files below `folder / prefix`, sorted; much faster than `Path.rglob` for many files."""
    with os.scandir(folder / prefix) as found:
        entries = sorted((entry.name, entry.is_dir()) for entry in found)
    for name, is_folder in entries:
        if is_folder:
            yield from _names_below(folder, f"{prefix}{name}/")
        else:
            yield f"{prefix}{name}"


def _single_member(path: Path, wanted: Callable[[str], bool]) -> Iterator[tuple[str, IO[bytes]]]:
    if wanted(path.name):
        with path.open("rb") as stream:
            yield path.name, stream


def _zip_members(path: Path, wanted: Callable[[str], bool]) -> Iterator[tuple[str, IO[bytes]]]:
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            name = _safe_name(path, info.filename)
            if not info.is_dir() and wanted(name):
                with archive.open(info) as stream:
                    yield name, stream


def _tar_members(path: Path, wanted: Callable[[str], bool]) -> Iterator[tuple[str, IO[bytes]]]:
    with path.open("rb") as file, _opened_tar(file) as archive:
        for info in archive:
            name = _safe_name(path, info.name)
            if info.isfile() and wanted(name) and (stream := archive.extractfile(info)):
                yield name, stream
        _check_tar_end(archive)


def _opened_tar(file: BufferedReader) -> tarfile.TarFile:
    """Open a tar as a stream; the decompression of `tarfile` itself would not notice that an archive is truncated."""
    start = file.peek(6)
    openers = (opener for magic, opener in _MAGIC.items() if start.startswith(magic))
    opener = next(openers, lambda uncompressed: uncompressed)
    return tarfile.open(fileobj=opener(file), mode="r|", bufsize=CHUNK_BYTES)


def _check_tar_end(archive: tarfile.TarFile) -> None:
    """Check that a tar ends in two blocks of zeros; `tarfile` treats a damaged header as the end as well."""
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
