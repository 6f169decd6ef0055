"""Reader of the MACHO project's photometry dump.

It has a folder per field, and in it a gzip text file per tile, with one line per observation.
"""

from collections.abc import Iterator
from pathlib import Path

from astromer.data.readers.base import JD_OF_MJD_ZERO, RawBatch
from astromer.data.readers.table import read_tables

_OF_BAND = ["mag", "err", "normsky", "type", "crowd", "chi2", "mpix", "cosmicrf"]
_OF_BAND += ["amp", "xpix", "ypix", "avesky", "fwhm", "tobs", "cut"]
FIELDS = [
    *("blank", "field", "tile", "star", "mjd", "observation", "pier", "exposure", "airmass"),
    *(f"{band}_{field}" for band in ("red", "blue") for field in _OF_BAND),
]


def read(survey: dict, *, name: str, source: Path, seed: int, part: int, parts: int) -> Iterator[RawBatch]:
    """Yield the catalogue, if there is one (part 0), and one part of the dump's lines in one band, in blocks.

    The lines of a star may lie in several files; the stars that no catalogue lists have no class.
    """
    options = survey["macho"]
    band = options["band"]
    columns = {"id": ["field", "tile", "star"], "time": "mjd", "mag": f"{band}_mag", "err_mag": f"{band}_err"}
    layout = {
        "separator": ";",
        "quoted": False,
        "names": FIELDS,
        "columns": columns | dict.fromkeys(("class", "band", "ra", "dec")),
        "time_origin_jd": JD_OF_MJD_ZERO,
    }
    yield from read_tables(options | layout, source, part, parts)
