"""Reader of the MACHO project's photometry dump.

The dump has one folder per field, with one gzip text file per tile, which has one line per observation.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from astromer.surveys.catalog import CatalogOptions
from astromer.surveys.readers.table import read_tables
from astromer.surveys.reading import RawBatch
from astromer.surveys.table_options import TableColumns, TableOptions

_OF_BAND = ["mag", "err", "normsky", "type", "crowd", "chi2", "mpix", "cosmicrf"]
_OF_BAND += ["amp", "xpix", "ypix", "avesky", "fwhm", "tobs", "cut"]
FIELDS = [
    *("blank", "field", "tile", "star", "mjd", "observation", "pier", "exposure", "airmass"),
    *(f"{band}_{field}" for band in ("red", "blue") for field in _OF_BAND),
]


def _has_no_id(pattern: str) -> str:
    if "{id}" in pattern:
        raise ValueError(f"is {pattern!r}; expected no `{{id}}`, because the lines give it")
    return pattern


class MachoOptions(CatalogOptions):
    """The MACHO project's photometry dump: one folder per field, one gzip file per tile, 39 values per observation.

    The id is field.tile.star. A star may have lines in several files.
    """

    scattered = True

    band: Literal["red", "blue"] = Field("red", description="The band that is read.")
    tables: Annotated[str, AfterValidator(_has_no_id)] = Field(
        "**/*.gz", description="Paths of the tiles inside the source; `*` is any text without `/`, `**/` any folders."
    )
    missing_values: list[float] = Field(
        [-99.0, -999.0, 99.0, 999.0],
        description="Magnitudes and errors that mark a missing value; an empty field always does.",
    )


Options = MachoOptions


def read(
    options: MachoOptions, *, name: str, source: Path, seed: int | None, part: int, parts: int
) -> Iterator[RawBatch]:
    """Yield one part of the dump's lines in one band, in blocks; part 0 starts with the catalogue, if there is one.

    Stars that no catalogue lists have no class.
    """
    columns = {"time": "mjd", "mag": f"{options.band}_mag", "err_mag": f"{options.band}_err"}
    table = TableOptions(
        **options.plain(),
        separator=";",
        quoted=False,
        names=FIELDS,
        columns=TableColumns(id=["field", "tile", "star"], **columns),
    )
    yield from read_tables(table, source, part, parts)
