"""Header lines of light curve files: which of their columns are time, magnitude and error."""

import re
from collections.abc import Sequence
from functools import lru_cache

from astromer.errors import InputError
from astromer.surveys.reading import NUMBERS

# Names in lower case, without units, quotes and anything but letters and digits.
_TIME = {"time", "t", "mjd", "jd", "hjd", "bjd", "hmjd", "bmjd", "obsmjd", "mjdobs", "obsjd", "bjdtdb", "btjd", "tobs"}
_MAG = {"mag", "magnitude", "m", "mags", "magpsf", "magauto"}
_ERR_MAG = {"err", "error", "e", "errmag", "magerr", "emag", "mage", "errormag", "magerror", "dmag", "merr", "dm"}
_ERR_MAG |= {"sigma", "sigmamag", "magsigma", "sigmapsf", "uncertainty", "unc", "errmagnitude", "magnitudeerror"}
_FLUX = {"flux", "fluxes", "fluxerr", "fluxerror", "fluxuncertainty", "fluxsigma", "errflux", "eflux", "sigmaflux"}
_FLUX |= {"sapflux", "pdcsapflux", "sapfluxerr", "pdcsapfluxerr", "count", "counts", "rate", "counterr", "countserr"}
_NAMES = dict(zip((*NUMBERS, "flux"), (_TIME, _MAG, _ERR_MAG, _FLUX), strict=True))
_KNOWN = {name: meaning for meaning, names in _NAMES.items() for name in names}
_UNIT = re.compile(r"\(.*\)|\[.*\]")


def split_header(content: bytes) -> tuple[bytes, int, int]:
    """Return the first line that is not blank, the number of lines up to it, and the number of bytes."""
    start, lines = 0, 0
    while start < len(content):
        end = content.find(b"\n", start)
        end = len(content) if end < 0 else end
        lines += 1
        if not content[start:end].isspace() and end > start:
            return content[start:end], lines, end + 1
        start = end + 1
    return b"", lines, len(content)


@lru_cache(maxsize=1024)
def columns_of(header: bytes, separator: str, columns: tuple[str, ...]) -> tuple[str, ...]:
    """Return the columns of a file: `time`, `mag` and `err_mag` where they stand, any other name elsewhere.

    Args:
        header: the line that names the columns.
        separator: as in the options of the format.
        columns: the columns as configured, from left to right.

    Raises:
        InputError: the line has numbers, or contradicts the configured columns.
    """
    text = header.decode("utf-8", "replace").strip().removeprefix("#").strip()
    if separator == "whitespace":
        fields = [field for field in text.split() if not _UNIT.fullmatch(field)]  # a unit after the name
    else:
        fields = [field.strip() for field in text.split(separator)]
    if any(is_number(field) for field in fields):
        raise InputError(f"its first line is {text!r}, expected the names of the columns (header: true)")
    meanings = [_KNOWN.get(re.sub(r"[(\[].*|[^a-z0-9]", "", field.lower())) for field in fields]
    if list(columns) == NUMBERS and all(meanings.count(number) == 1 for number in NUMBERS):
        return tuple(meaning or "" for meaning in meanings)
    if len(fields) != len(columns) or not _agree(columns, meanings):
        raise InputError(f"its header is {text!r}, which contradicts the configured columns {', '.join(columns)}")
    return columns


def _agree(columns: Sequence[str], meanings: Sequence[str | None]) -> bool:
    return all(
        meaning in (None, column) for column, meaning in zip(columns, meanings, strict=True) if column in NUMBERS
    )


def is_number(field: str) -> bool:
    """Whether the text is that of a number."""
    try:
        float(field)
    except ValueError:
        return False
    return True
