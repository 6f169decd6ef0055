"""Compressed files as streams, recognised by their first bytes."""

import bz2
import gzip
import lzma
import re
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from io import BufferedReader
from pathlib import PurePosixPath
from typing import IO, Any, cast

import pyarrow as pa

from astromer.errors import InputError

SUPPORTED = "text or Parquet, plain or as .gz, .xz, .bz2 or .zst; archives .zip and .tar, the latter in any of these"
CHUNK_BYTES = 65_536
# What the modules of the standard library and pyarrow raise for a damaged, encrypted or unsupported file. RuntimeError
# stands for its subclass of what a module does not implement as well.
DAMAGED = (
    *(tarfile.TarError, zipfile.BadZipFile, lzma.LZMAError, zlib.error, struct.error, pa.ArrowException),
    *(EOFError, OSError, UnicodeError, OverflowError, IndexError, RuntimeError),
)
LONGEST_MAGIC = 14  # bytes of a file that tell how it is compressed


def _open_zstd(stream: IO[bytes]) -> IO[bytes]:
    # The type stubs of pyarrow know no file objects.
    return cast(IO[bytes], pa.CompressedInputStream(cast(Any, stream), "zstd"))


_OPENERS: dict[str, tuple[re.Pattern[bytes], Callable[[Any], Any]]] = {
    ".gz": (re.compile(rb"\x1f\x8b"), gzip.open),
    ".xz": (re.compile(rb"\xfd7zXZ\x00"), lzma.open),
    # "BZh" may begin a text; the digits of pi (or, in an empty file, of its root) follow in a compressed file only.
    ".bz2": (re.compile(rb"BZh[1-9](1AY&SY|\x17rE8P\x90)"), bz2.open),
    ".zst": (re.compile(rb"\x28\xb5\x2f\xfd"), _open_zstd),
}
_UNSUPPORTED = {
    "7z archive": re.compile(rb"7z\xbc\xaf\x27\x1c"),
    "RAR archive": re.compile(rb"Rar!\x1a\x07"),
    ".Z file": re.compile(rb"\x1f\x9d"),
    ".lz4 file": re.compile(rb"\x04\x22\x4d\x18"),
    ".lz file": re.compile(rb"LZIP\x01"),
}


def without_compression(name: str) -> str:
    """Return the name without its suffix if that is one of compression."""
    return name.removesuffix(PurePosixPath(name).suffix) if PurePosixPath(name).suffix.lower() in _OPENERS else name


def decompressed(name: str, stream: IO[bytes]) -> IO[bytes]:
    """Return a stream of the content of a file, decompressed if its first bytes are those of a compressed file.

    Raises:
        InputError: the file is compressed in a way that is not supported.
        OSError: the name promises a compression that the content does not have.
    """
    peekable = stream if hasattr(stream, "peek") else BufferedReader(cast(Any, stream))
    start = cast(BufferedReader, peekable).peek(LONGEST_MAGIC)[:LONGEST_MAGIC]
    opener = opener_of(name, start)
    suffix = PurePosixPath(name).suffix.lower()
    if opener is None and start and suffix in _OPENERS:
        raise OSError(f"no {suffix} file")
    return opener(peekable) if opener else cast(IO[bytes], peekable)


def opener_of(name: str, start: bytes) -> Callable[[Any], Any] | None:
    """Return the function that decompresses a file which begins with `start`, or None if it is not compressed."""
    for kind, magic in _UNSUPPORTED.items():
        if magic.match(start):
            raise InputError(f"{name}: is a {kind}, which cannot be read; supported are {SUPPORTED}")
    return next((opener for magic, opener in _OPENERS.values() if magic.match(start)), None)
