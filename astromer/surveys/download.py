"""Download files: interrupted transfers are resumed and retried, and a file gets its name only once it is verified."""

import logging
import time
from pathlib import Path

import requests

from astromer.errors import InputError
from astromer.files import sha256_of, sync

logger = logging.getLogger(__name__)

CHUNK_BYTES = 1 << 16
TIMEOUT_SECONDS = 60
LOG_SECONDS = 10.0
MAX_PAUSE_SECONDS = 600.0
BUSY = (requests.codes.too_many_requests, requests.codes.service_unavailable)


class BusyError(requests.ConnectionError):
    """The server asks for another attempt later, after `seconds` if it says so."""

    def __init__(self, status: int, seconds: float) -> None:
        super().__init__(f"the server answered {status}, too many requests")
        self.seconds = seconds


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

    Received data is kept in `<path>.part`; the next attempt, of this job or a later one, continues from it, provided
    that the server still has the same file. A file that is not the expected one is set aside as `<path>.rejected`, and
    fetched again from the beginning, once.

    Args:
        url: address of the file.
        path: path of the complete and verified file.
        sha256: expected checksum, hexadecimal; None if unknown.
        num_bytes: expected size; None if unknown.
        attempts: number of attempts in all.
        pause: seconds before the second attempt; doubled for each further one.

    Raises:
        InputError: the server refuses, or the file is not the expected one (it is then set aside).
        requests.RequestException: the connection broke in every attempt.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    if num_bytes is not None and part.exists() and part.stat().st_size > num_bytes:
        _discard(part)  # of a longer file
    _fetch(url, part, sha256 is not None, attempts, pause)
    try:
        check_file(part, sha256=sha256, num_bytes=num_bytes)
    except InputError as error:
        logger.warning("%s: %s; it is now %s, and fetched again from the beginning", url, error, set_aside(part))
        _fetch(url, part, sha256 is not None, attempts, pause)
        _check_again(url, part, sha256, num_bytes)
    sync(part)
    part.replace(path)
    _validator_file(part).unlink(missing_ok=True)


def _check_again(url: str, part: Path, sha256: str | None, num_bytes: int | None) -> None:
    try:
        check_file(part, sha256=sha256, num_bytes=num_bytes)
    except InputError as error:
        raise InputError(f"{url}: {error}; it is now {set_aside(part)}") from error


def set_aside(path: Path) -> Path:
    """Rename a file that is not the expected one to `<name>.rejected`; return the new path."""
    aside = path.with_name(f"{path.name.removesuffix('.part')}.rejected")
    path.replace(aside)
    _validator_file(path).unlink(missing_ok=True)
    return aside


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


def _fetch(url: str, part: Path, is_verified: bool, attempts: int, pause: float) -> None:
    """Complete `part`, in as many attempts as it takes."""
    for attempt in range(1, attempts + 1):
        try:
            while not _fetch_rest(url, part, is_verified):
                _discard(part)
            return
        except (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError) as error:
            if attempt == attempts:
                raise
            asked = error.seconds if isinstance(error, BusyError) else 0.0
            wait = min(max(pause * 2 ** (attempt - 1), asked), MAX_PAUSE_SECONDS)
            logger.warning("%s: attempt %d of %d broke off (%s); next in %.0f s", url, attempt, attempts, error, wait)
            time.sleep(wait)


def _fetch_rest(url: str, part: Path, is_verified: bool) -> bool:
    """Append the missing rest to `part`, or start again from the beginning if the server has another file by now.

    Without a validator of the server (ETag or Last-Modified), `part` is continued only if the result is verified by a
    checksum.

    Returns:
        Whether `part` is complete; if not, it is of no use.
    """
    start = part.stat().st_size if part.exists() else 0
    validator = _validator_file(part).read_text("latin-1") if _validator_file(part).exists() else ""
    if start and not validator and not is_verified:
        return False
    headers = {"Accept-Encoding": "identity"}
    if start:
        headers |= {"Range": f"bytes={start}-"} | ({"If-Range": validator} if validator else {})
    with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT_SECONDS) as response:
        if response.status_code == requests.codes.requested_range_not_satisfiable:
            length = response.headers.get("Content-Range", "").removeprefix("bytes */")
            return length == str(start) or (is_verified and not length)
        if response.status_code in BUSY:
            seconds = response.headers.get("Retry-After", "")
            raise BusyError(response.status_code, float(seconds) if seconds.isdecimal() else 0.0)
        if response.status_code >= requests.codes.server_error:
            raise requests.ConnectionError(f"the server answered {response.status_code}")
        if not response.ok:
            raise InputError(f"{url}: the server answered {response.status_code} {response.reason}")
        continues = response.status_code == requests.codes.partial_content
        if continues and not _is_rest(response, start, validator):
            return False
        _append(response, part, start if continues else 0)
    return True


def _is_rest(response: requests.Response, start: int, validator: str) -> bool:
    """Return whether a partial response begins where it should, and is of the file that was begun."""
    content_range = response.headers.get("Content-Range", f"bytes {start}-")
    return content_range.startswith(f"bytes {start}-") and (not validator or _validator(response) in ("", validator))


def _validator(response: requests.Response) -> str:
    """Return what identifies the version of the server's file, or an empty string."""
    etag = response.headers.get("ETag", "")
    return etag if etag and not etag.startswith("W/") else response.headers.get("Last-Modified", "")


def _validator_file(part: Path) -> Path:
    return part.with_name(f"{part.name}.validator")


def _discard(part: Path) -> None:
    for path in (part, _validator_file(part)):
        path.unlink(missing_ok=True)


def _append(response: requests.Response, part: Path, start: int) -> None:
    """Write the response to `part`, after its first `start` bytes."""
    if not start:
        _validator_file(part).write_text(_validator(response), "latin-1")
    received, logged = 0, time.monotonic()
    with part.open("ab" if start else "wb") as file:
        for chunk in response.iter_content(CHUNK_BYTES):
            file.write(chunk)
            received += len(chunk)
            if time.monotonic() - logged > LOG_SECONDS:
                logged = time.monotonic()
                logger.info("%s: %.1f MB", part.stem, (start + received) / 1e6)
