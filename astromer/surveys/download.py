"""Download files: interrupted transfers are resumed and retried, and a file gets its name only once it is verified."""

import logging
import time
from pathlib import Path

import requests

from astromer.errors import InputError
from astromer.files import sha256_of

logger = logging.getLogger(__name__)

CHUNK_BYTES = 1 << 16
TIMEOUT_SECONDS = 60
LOG_SECONDS = 10.0


def download(
    url: str,
    path: Path,
    *,
    sha256: str | None = None,
    num_bytes: int | None = None,
    attempts: int = 5,
    pause: float = 2.0,
) -> None:
    """Download `url` to `path`.

    Received data is kept in `<path>.part`; the next attempt, of this job or a later one, continues from it.

    Args:
        url: address of the file.
        path: path of the complete and verified file.
        sha256: expected checksum, hexadecimal; None if unknown.
        num_bytes: expected size; None if unknown.
        attempts: number of attempts in all.
        pause: seconds before the second attempt; doubled for each further one.

    Raises:
        InputError: the server refuses, or the file is not the expected one (it is then deleted).
        requests.RequestException: the connection broke in every attempt.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    for attempt in range(1, attempts + 1):
        try:
            _fetch_rest(url, part)
            break
        except (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError) as error:
            if attempt == attempts:
                raise
            logger.warning("%s: attempt %d of %d broke off (%s)", url, attempt, attempts, error)
            time.sleep(pause * 2 ** (attempt - 1))
    try:
        check_file(part, sha256=sha256, num_bytes=num_bytes)
    except InputError as error:
        part.unlink()
        raise InputError(f"{url}: {error}") from error
    part.replace(path)


def check_file(path: Path, *, sha256: str | None, num_bytes: int | None = None) -> None:
    """Compare a file's size and checksum with the expected ones.

    Raises:
        InputError: they differ.
    """
    size = path.stat().st_size
    if num_bytes is not None and size != num_bytes:
        raise InputError(f"{path} has {size:,} bytes, expected {num_bytes:,}")
    if sha256 is not None:
        found = sha256_of(path)
        if found != sha256:
            raise InputError(f"{path} has sha256 {found}, expected {sha256}")


def _fetch_rest(url: str, part: Path) -> None:
    """Append the missing rest to `part`; start again from the beginning if the server cannot continue."""
    start = part.stat().st_size if part.exists() else 0
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={start}-"} if start else {})
    with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT_SECONDS) as response:
        if response.status_code == requests.codes.requested_range_not_satisfiable:
            return  # all of it is here already
        if response.status_code >= requests.codes.server_error:
            raise requests.ConnectionError(f"the server answered {response.status_code}")
        if not response.ok:
            raise InputError(f"{url}: the server answered {response.status_code} {response.reason}")
        continues = response.status_code == requests.codes.partial_content
        _append(response, part, start if continues else 0)


def _append(response: requests.Response, part: Path, start: int) -> None:
    """Write the response to `part`, after its first `start` bytes."""
    received, logged = 0, time.monotonic()
    with part.open("ab" if start else "wb") as file:
        for chunk in response.iter_content(CHUNK_BYTES):
            file.write(chunk)
            received += len(chunk)
            if time.monotonic() - logged > LOG_SECONDS:
                logged = time.monotonic()
                logger.info("%s: %.1f MB", part.stem, (start + received) / 1e6)
