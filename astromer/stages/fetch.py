"""Stage 1, before ingest: download a dump and verify its size and checksums."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import requests

from astromer.config.surveys import Download
from astromer.errors import InputError
from astromer.files import write_json
from astromer.surveys import verification
from astromer.surveys.download import download, set_aside

MAX_REASON = 100  # characters of the library's message


def fetch_dump(dump: Path, *, url: str, sha256: str | None, num_bytes: int | None) -> None:
    """Download a file to `dump`, resuming an interrupted download, and verify it.

    Raises:
        InputError: see `astromer.surveys.download.download`.
        ConnectionError: the host cannot be reached; a later attempt may succeed.
    """
    try:
        download(url, dump, sha256=sha256, num_bytes=num_bytes)
    except requests.RequestException as error:
        raise ConnectionError(
            f"{url} cannot be downloaded; try again later, or name a folder with {dump.name}, --config mirror=FOLDER "
            f"({str(error)[:MAX_REASON]})"
        ) from None


def verify_dump(receipt: Path, *, path: str, source: str | Mapping[str, Any], downloaded: bool = False) -> None:
    """Compare the dump at `path` with the size and checksums of its `source`; write what was verified to `receipt`.

    A dump that is `downloaded` and not the expected file is set aside, so that the next run downloads it again.
    """
    promised = None if isinstance(source, str) else Download.read(source, "source")
    try:
        found = verification.verify_dump(Path(path), promised)
    except InputError as error:
        if not downloaded or not Path(path).exists():
            raise
        raise InputError(f"{error}; it is now {set_aside(Path(path))}, and the next run downloads it again") from error
    write_json(receipt, found)
