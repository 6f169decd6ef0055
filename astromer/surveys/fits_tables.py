"""Tables in FITS files, such as the light curves of Kepler and TESS."""

from collections.abc import Mapping
from io import BytesIO
from typing import Any

import numpy as np
import polars as pl

from astromer.errors import InputError
from astromer.surveys.reading import JD_OF_MJD_ZERO, TimeOrigin

# Keywords of time zero, as one number or, with I and F at their end, as integer and fraction [days]; and the Julian
# date that they count from.
REFERENCES = {"BJDREF": 0.0, "JDREF": 0.0, "MJDREF": JD_OF_MJD_ZERO}
DATES = {"BJD", "HJD", "JD", "MJD"}  # names of columns of whole dates, beside times that count from JDREF or MJDREF
NOT_DAYS = {"s", "sec", "second", "seconds", "ms", "us", "ns", "min", "h", "hr", "hour", "hours", "a", "yr", "year"}
LARGEST_DIFFERENCE_DAYS = 0.5  # between the origins of a header and of the configuration: scales of time may differ


def fits_names(content: bytes, where: str) -> list[str]:
    """Return the names of the columns of a FITS file's first table.

    Raises:
        InputError: it has none, or astropy is not installed.
    """
    with _opened(content, where) as units:
        return list(_table(units, content, where).columns.names)


def read_fits(content: bytes, keys: Mapping[str, str], time: str, origin: TimeOrigin, where: str) -> pl.DataFrame:
    """Read columns of the first table of a FITS file.

    Args:
        content: the file.
        keys: names of the columns to return, and what to call them.
        time: name of the column of times.
        origin: Julian date of time zero as configured.
        where: the file, for errors.

    Returns:
        The columns, and `line`, the number of the row from 1.

    Raises:
        InputError: the file is damaged, a column has several values per row or holds neither numbers nor text, or the
            header gives another time zero or a unit other than days.
    """
    with _opened(content, where) as units:
        table = _table(units, content, where)
        _check_time(table, time, origin, where)
        columns = {key: _native(table.data[name], f"{where}: column {name!r}") for name, key in keys.items()}
    return pl.DataFrame(columns).with_row_index("line", offset=1)


def _check_time(table: Any, name: str, origin: TimeOrigin, where: str) -> None:
    """Raise `InputError` if the header contradicts that the times are days from the configured time zero."""
    unit = str(table.columns[name].unit or table.header.get("TIMEUNIT", "")).strip()
    if unit.lower() in NOT_DAYS:
        raise InputError(f"{where}: column {name!r} is in {unit}, expected days")
    for keyword, counted_from in REFERENCES.items():
        given = [table.header[key] for key in (f"{keyword}I", f"{keyword}F") if key in table.header]
        given = given or [table.header[key] for key in (keyword,) if key in table.header]
        if not given or isinstance(origin, list) or (keyword != "BJDREF" and name.upper() in DATES):
            continue
        try:
            zero = counted_from + sum(map(float, given))
        except (TypeError, ValueError):
            raise InputError(f"{where}: its keywords {keyword} are {given}, expected numbers of days") from None
        if abs(zero - origin) > LARGEST_DIFFERENCE_DAYS:
            raise InputError(
                f"{where}: its times count from JD {zero:.10g} ({keyword}), but time_origin_jd is {origin:.10g}"
            )
        return  # the others are the same time zero in other words


def _opened(content: bytes, where: str) -> Any:
    try:
        from astropy.io import fits
    except ImportError as error:
        raise InputError(f"{where}: FITS needs astropy: pip install 'astromer[fits]'") from error
    try:
        return fits.open(BytesIO(content), memmap=False)
    except (OSError, ValueError) as error:
        raise InputError(f"{where}: is no FITS file ({error})") from error


def _table(units: Any, content: bytes, where: str) -> Any:
    """Return the first table among the header and data units of a file."""
    try:
        tables = [unit for unit in units if getattr(unit, "columns", None) is not None]
    except (OSError, ValueError, TypeError) as error:
        raise InputError(f"{where}: is a damaged FITS file ({error})") from error
    if not tables:
        raise InputError(f"{where}: has no table; expected a FITS file with a light curve")
    place = tables[0].fileinfo()
    if place["datLoc"] + place["datSpan"] > len(content):  # astropy reads what there is
        raise InputError(f"{where}: is a damaged FITS file (it ends within its table)")
    return tables[0]


def _native(column: Any, what: str) -> np.ndarray:
    """Return a column in the byte order of the machine; text without the blanks that fill it."""
    values = np.asarray(column)
    if values.dtype.kind not in "biufSU":  # variable-length arrays are objects
        raise InputError(f"{what} holds {values.dtype}, expected numbers or text")
    if values.ndim != 1:
        raise InputError(f"{what} has {values.ndim - 1} further axes; expected one value per row")
    return values.astype(values.dtype.newbyteorder("="))
