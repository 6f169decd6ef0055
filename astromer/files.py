"""Write files so that a killed job never leaves a partial one under its final name."""

import glob
import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from astromer.errors import InputError


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; rename it to `path` on success, delete it on failure.

    The content is on the disk before it gets its name. What a killed process has left of an earlier attempt is deleted.
    The temporary name keeps the suffix of `path`, because several writers choose the format by it.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    _sweep(path)
    temporary = path.with_name(f".{os.getpid()}-{path.name}")
    try:
        yield temporary
        sync(temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def sync(path: Path) -> None:
    """Wait until the content of a file is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sweep(path: Path) -> None:
    """Delete the temporary files for `path` whose process has ended.

    A path has one writer at a time, so a process that does not run here has ended, whichever machine it ran on.
    """
    for left in path.parent.glob(f".*-{glob.escape(path.name)}"):
        process = left.name.removeprefix(".").removesuffix(f"-{path.name}")
        if process.isdecimal() and not _is_running(int(process)):
            left.unlink(missing_ok=True)


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True  # of another user
    return True


def sha256_of(path: Path) -> str:
    """Return the sha256 checksum of a file, hexadecimal."""
    with Path(path).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def write_text(path: Path, text: str) -> None:
    """Write `text` atomically as UTF-8."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, content: object) -> None:
    """Write `content` atomically as indented JSON with a final newline."""
    write_text(path, json.dumps(content, indent=2, allow_nan=False) + "\n")


def write_pieces(path: Path, columns: Mapping[str, Any], tables: Iterable[Any]) -> None:
    """Write polars tables with these columns one after the other to one Parquet file; without any, it has no row."""
    import polars as pl  # here, because the configuration needs this module and neither of them
    import pyarrow.parquet as pq

    schema = pl.DataFrame(schema=columns).to_arrow().schema
    with atomic_path(path) as temporary, pq.ParquetWriter(temporary, schema, compression="zstd") as writer:
        for table in tables:
            writer.write_table(table.select(columns.keys()).cast(pl.Schema(columns)).to_arrow().cast(schema))


def read_json(path: Path) -> dict:
    """Read a JSON object.

    Raises:
        InputError: the file cannot be read, or holds something else.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read as JSON: {error}") from error
    if not isinstance(content, dict):
        raise InputError(f"{path}: holds a {type(content).__name__}; expected a JSON object")
    return content
