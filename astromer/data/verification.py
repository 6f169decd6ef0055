"""Compare a survey's dump with what its source promises, and say what was compared."""

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path

from astromer.data.download import check_file
from astromer.data.sources import iter_members
from astromer.errors import InputError
from astromer.files import sha256_of


def verify_dump(dump: Path, promised: Mapping[str, object]) -> dict[str, object]:
    """Verify a dump.

    Args:
        dump: the file or folder.
        promised: `sha256`, `bytes`, `content_digests` and `digested_members` of the source's configuration, as far as
            anything is promised.

    Returns:
        A receipt: `dump`, and what `bytes`, `sha256` and `content_digest` were found (null: not computed).

    Raises:
        InputError: the dump is missing, or differs from what is promised.
    """
    if not dump.exists():
        raise InputError(
            f"{dump}: no such file or folder; expected the survey's dump there (key `source` of the survey)"
        )
    receipt = {"dump": dump.name, "bytes": None, "sha256": None, "content_digest": None}
    if dump.is_file():
        check_file(dump, sha256=promised.get("sha256"), num_bytes=promised.get("bytes"))
        receipt |= {"bytes": dump.stat().st_size, "sha256": promised.get("sha256") or sha256_of(dump)}
    if accepted := promised.get("content_digests"):
        receipt["content_digest"] = content_digest(dump, str(promised["digested_members"]))
        if receipt["content_digest"] not in accepted:
            raise InputError(
                f"{dump}: content digest {receipt['content_digest']} of the members {promised['digested_members']!r}, "
                f"expected {' or '.join(accepted)}"
            )
    return receipt


def content_digest(dump: Path, members: str) -> str:
    """Digest an archive's content, whatever way it is packed; the archive is streamed, not unpacked.

    The digest is the sha256 of the lines `<sha256 of the member>  <path>` of all members whose path below the archive's
    top folder matches the regular expression `members`, in the order of the paths' bytes.
    """
    selected = re.compile(members).fullmatch
    digests = {}
    for name, content in iter_members(dump, lambda name: selected(_below_top(name)) is not None):
        digests[_below_top(name).encode()] = hashlib.sha256(content).hexdigest()
    if not digests:
        raise InputError(f"{dump}: no member matches {members!r} (key `digested_members` of the source)")
    lines = b"".join(digest.encode() + b"  " + path + b"\n" for path, digest in sorted(digests.items()))
    return hashlib.sha256(lines).hexdigest()


def _below_top(name: str) -> str:
    return name.partition("/")[2]
