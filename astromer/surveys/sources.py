"""Folders, archives and single files with the files of a survey, read as streams and never unpacked to disk."""

import hashlib
import math
import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import IO

from astromer.config.surveys import Download
from astromer.errors import InputError
from astromer.surveys.archives import archive_members, archive_type
from astromer.surveys.compression import (
    CHUNK_BYTES,
    DAMAGED,
    LONGEST_MAGIC,
    decompressed,
    opener_of,
    without_compression,
)
from astromer.surveys.losses import Report, ignore

ARCHIVE_SUFFIX = re.compile(r"\.(tar(\.(gz|xz|bz2|zst))?|tgz|txz|tbz2?|tzst|zip)$", re.IGNORECASE)
COMPRESSED_TAR_SUFFIX = re.compile(r"\.(tar\.(gz|xz|bz2|zst)|tgz|txz|tbz2?|tzst)$", re.IGNORECASE)


def is_compressed_tar(source: Path | str) -> bool:
    """Return whether a dump is a compressed tar, by its name: it need not be there yet."""
    return COMPRESSED_TAR_SUFFIX.search(str(source)) is not None and not Path(source).is_dir()


def decompress(source: Path, target: Path) -> None:
    """Write the content of a compressed file.

    Raises:
        InputError: the file is damaged.
    """
    with _naming_damage(f"{source}: unreadable archive"), source.open("rb") as file, target.open("wb") as plain:
        shutil.copyfileobj(decompressed(source.name, file), plain, CHUNK_BYTES)


def is_archive(source: Path) -> bool:
    """Return whether a file is an archive, by its name or its content."""
    if not source.is_file():
        return False
    return ARCHIVE_SUFFIX.search(source.name) is not None or archive_type(source) is not None


def open_members(
    source: Path, wanted: Callable[[str], bool], *, lost: Report = ignore
) -> Iterator[tuple[str, IO[bytes]]]:
    """Yield name and stream of the files inside `source` that are `wanted`, in the source's own order.

    A stream is valid until the next one is requested. Files that are compressed one by one are yielded compressed, see
    `decompressed`.

    Args:
        source: a folder, an archive (`.zip`, or `.tar` with any compression), or a single file, which is then the only
            member.
        wanted: function that decides whether to read a file, given its name relative to the source (with `/`).
        lost: function that is told what the source contains besides files: `Losses.add`.

    Raises:
        InputError: the source is missing or damaged, or a member's name points outside of it.
    """
    with _naming_damage(f"{source}: unreadable archive"):
        yield from _members(source)(source, wanted, lost)


def iter_members(
    source: Path, wanted: Callable[[str], bool], *, max_mb: int | None = None, lost: Report = ignore
) -> Iterator[tuple[str, bytes]]:
    """Yield name and decompressed content of the files that `open_members` would yield.

    Raises:
        InputError: as for `open_members`, or a file has more than `max_mb` megabytes (None: no limit).
    """
    limit = _bytes(max_mb)
    if source.is_dir():
        for name in filter(wanted, _names_below(source, "", lost)):
            with _naming_damage(f"{source}: unreadable file {name}"):
                content = _content(f"{source}/{name}", limit)
            yield name, _limited(source, name, content, limit)
        return
    for name, stream in open_members(source, wanted, lost=lost):
        yield name, whole_file(source, name, stream, max_mb=max_mb)


def whole_file(source: Path, name: str, stream: IO[bytes], *, max_mb: int | None) -> bytes:
    """Return the decompressed content of one member; arguments and errors are those of `iter_members`."""
    limit = _bytes(max_mb)
    with _naming_damage(f"{source}: unreadable file {name}"):
        content = _read(decompressed(name, stream).read, limit)
    return _limited(source, name, content, limit)


def read_member(source: Path, name: str, *, max_mb: int | None = None) -> bytes:
    """Return the content of one file inside `source`, or beside it where `name` starts with `../`."""
    if name.startswith("../"):
        source, name = source.parent / name.removeprefix("../"), PurePosixPath(name).name
    for _, content in iter_members(source, name.__eq__, max_mb=max_mb):
        return content
    raise InputError(f"{source}: has no file named {name}")


def check_utf8(source: Path, name: str) -> None:
    """Raise `InputError` if the name of a file inside `source` is not UTF-8, as which tables store it."""
    try:
        name.encode()
    except UnicodeEncodeError:
        raise InputError(f"{source}: the name of the file {name!r} is not UTF-8; rename it") from None


def listing_digest(source: Path) -> str | None:
    """Digest the names, sizes and times of all files of a folder; return None for anything else.

    An edit of a file inside of a folder does not change the folder itself.
    """
    if not source.is_dir():
        return None
    digest = hashlib.sha256()
    for name in _names_below(source, "", ignore):
        status = (source / name).stat()
        digest.update(f"{name}\0{status.st_size}\0{status.st_mtime_ns}\n".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def in_mirror(mirror: str | None, source: Download) -> Path | None:
    """Return the file of a download in a folder of copies, or None.

    An archive whose content is verified may be packed in another way, and then has another suffix.
    """
    if not mirror:
        return None
    exact = Path(mirror, source.file)
    stem = ARCHIVE_SUFFIX.sub("", source.file)
    if exact.exists() or not source.content_digests or stem == source.file or not exact.parent.is_dir():
        return exact if exact.exists() else None
    packed = (path for path in sorted(exact.parent.iterdir()) if ARCHIVE_SUFFIX.sub("", path.name) == stem)
    return next((path for path in packed if path.name != stem), None)


def line_blocks(source: Path, name: str, stream: IO[bytes], size: int) -> Iterator[bytes]:
    """Yield the text of one member, decompressed, in blocks of about `size` bytes that end at a line end.

    Line ends are converted to Unix ones.
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


def _members(source: Path) -> Callable[..., Iterator[tuple[str, IO[bytes]]]]:
    if not source.exists():
        raise InputError(f"{source}: no such file or folder; expected a survey's dump")
    if source.is_dir():
        return _folder_members
    if not source.is_file():
        raise InputError(f"{source}: is a device or a pipe; expected a file or folder")
    return archive_members if is_archive(source) else _single_member


def _content(path: str, limit: float) -> bytes:
    """Read a whole file by its descriptor: for a small file, creating a file object takes as long as reading it."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        content = _read(partial(os.read, descriptor), limit)
    finally:
        os.close(descriptor)
    if opener_of(path, content[:LONGEST_MAGIC]) is None and without_compression(path) == path:
        return content
    return _read(decompressed(path, BytesIO(content)).read, limit)


def _read(read: Callable[[int], bytes], limit: float) -> bytes:
    """Read to the end, or a little beyond `limit` bytes."""
    size, chunks = 0, []
    while size <= limit and (chunk := read(CHUNK_BYTES)):
        size += len(chunk)
        chunks.append(chunk)
    return b"".join(chunks)


def _bytes(max_mb: int | None) -> float:
    return math.inf if max_mb is None else max_mb * 1_000_000


def _limited(source: Path, name: str, content: bytes, limit: float) -> bytes:
    if len(content) > limit:
        raise InputError(
            f"{source}: {name} has more than {limit / 1e6:g} MB; raise `max_file_mb` of the survey if it should"
        )
    return content


@contextmanager
def _naming_damage(what: str) -> Iterator[None]:
    try:
        yield
    except DAMAGED as error:
        raise InputError(f"{what} ({error or type(error).__name__})") from error


def _folder_members(folder: Path, wanted: Callable[[str], bool], lost: Report) -> Iterator[tuple[str, IO[bytes]]]:
    for name in filter(wanted, _names_below(folder, "", lost)):
        with (folder / name).open("rb") as stream:
            yield name, stream


def _names_below(folder: Path, prefix: str, lost: Report) -> Iterator[str]:
    """Yield the paths of all files below `folder / prefix`, sorted; much faster than `Path.rglob` for many files.

    Pipes, devices and links that lead nowhere are reported to `lost`: opening them could wait or read for ever. So are
    links to a folder above, which would never end.
    """
    with _naming_damage(f"{folder}: unreadable folder {prefix}"), os.scandir(folder / prefix) as found:
        entries = sorted((entry.name, _is_folder(entry), entry.is_file()) for entry in found)
    for name, is_folder, is_file in entries:
        if is_folder:
            yield from _names_below(folder, f"{prefix}{name}/", lost)
        elif is_file:
            yield f"{prefix}{name}"
        else:
            lost("file", "not a regular file", file=f"{prefix}{name}")


def _is_folder(entry: os.DirEntry) -> bool:
    """Return whether an entry is a folder, and no link to a folder that contains it."""
    if not entry.is_dir():
        return False
    parent = os.path.realpath(Path(entry.path).parent)
    return not entry.is_symlink() or not f"{parent}/".startswith(f"{os.path.realpath(entry.path)}/")


def _single_member(path: Path, wanted: Callable[[str], bool], lost: Report) -> Iterator[tuple[str, IO[bytes]]]:
    if wanted(path.name):
        with path.open("rb") as stream:
            yield path.name, stream
