"""Verify a survey's dump against the size and checksums in the configuration, and record what was compared."""

import hashlib
import re
from pathlib import Path
from typing import Any

from astromer.config.surveys import Download
from astromer.errors import InputError
from astromer.files import sha256_of
from astromer.surveys.compression import CHUNK_BYTES
from astromer.surveys.download import check_file
from astromer.surveys.sources import listing_digest, open_members


def verify_dump(dump: Path, promised: Download | None) -> dict[str, Any]:
    """Verify a dump.

    Args:
        dump: the file or folder.
        promised: the expected size and checksums; None where they are unknown.

    Returns:
        A receipt: `dump`, and the `bytes`, `sha256`, `content_digest` and, of a folder, the `listing_digest` that were
        found (None: not computed). It changes whenever the dump does.

    Raises:
        InputError: the dump is missing, or differs from what is expected.
    """
    if not dump.exists():
        raise InputError(
            f"{dump}: no such file or folder; expected the survey's dump there (key `source` of the survey)"
        )
    receipt: dict[str, Any] = {"dump": dump.name, "bytes": None, "sha256": None, "content_digest": None}
    receipt["listing_digest"] = listing_digest(dump)
    if dump.is_file():
        sha256, num_bytes = (promised.sha256, promised.bytes) if promised else (None, None)
        check_file(dump, sha256=sha256, num_bytes=num_bytes)
        receipt |= {"bytes": dump.stat().st_size, "sha256": sha256 or sha256_of(dump)}
    if promised and promised.content_digests:
        receipt["content_digest"] = content_digest(dump, promised.digested_members)
        if receipt["content_digest"] not in promised.content_digests:
            raise InputError(
                f"{dump}: content digest {receipt['content_digest']} of the members {promised.digested_members!r}, "
                f"expected {' or '.join(promised.content_digests)}"
            )
    return receipt


def content_digest(dump: Path, members: str) -> str:
    """Digest an archive's content, independently of how it is packed; the archive is streamed, not unpacked.

    The digest is the sha256 of the lines `<sha256 of the member>  <path>` of all members whose path below the archive's
    top folder matches the regular expression `members`, in the order of the paths' bytes.
    """
    selected = re.compile(members).fullmatch
    digests = {}
    for name, stream in open_members(dump, lambda name: selected(_below_top(name)) is not None):
        digest = hashlib.sha256()
        while chunk := stream.read(CHUNK_BYTES):
            digest.update(chunk)
        digests[_below_top(name).encode()] = digest.hexdigest()
    if not digests:
        raise InputError(f"{dump}: no member matches {members!r} (key `digested_members` of the source)")
    lines = b"".join(digest.encode() + b"  " + path + b"\n" for path, digest in sorted(digests.items()))
    return hashlib.sha256(lines).hexdigest()


def _below_top(name: str) -> str:
    return name.partition("/")[2]
