"""A folder of light curves, one text file per star."""

from pathlib import Path

import numpy as np
import polars as pl

from astromer.errors import InputError
from astromer.surveys.headers import is_number

SUFFIXES = (".csv", ".dat", ".txt", ".tsv")


def read_folder(folder: Path | str) -> pl.DataFrame:
    """Read the light curves of a folder; a star's id is the name of its file without the suffix.

    A file has two or more columns separated by blanks, tabs or commas: time [days], magnitude, and others that are not
    read. Lines that begin with # are comments, and a first line that holds no numbers is a header.

    Returns:
        The columns `id`, `mjd` and `mag`, as `astromer.encode` takes them.

    Raises:
        InputError: there is no such file in the folder, two files have one name, or a line holds no two numbers.
    """
    paths = sorted(path for path in Path(folder).iterdir() if path.suffix in SUFFIXES)
    if not paths:
        raise InputError(f"{folder}: there is no light curve; expected files that end in {', '.join(SUFFIXES)}")
    if len({path.stem for path in paths}) < len(paths):
        raise InputError(f"{folder}: two files have the same name and different suffixes; expected one per star")
    curves = [_read_file(path) for path in paths]
    ids = np.repeat([path.stem for path in paths], [len(curve) for curve in curves])
    points = np.concatenate(curves)
    return pl.DataFrame({"id": ids, "mjd": points[:, 0], "mag": points[:, 1]})


def _read_file(path: Path) -> np.ndarray:
    """Return times and magnitudes, `(n, 2)`."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: is not text in UTF-8: {error}") from error
    rows = []
    lines = ((number, line) for number, line in enumerate(text.splitlines(), start=1) if not _is_comment(line))
    for place, (number, line) in enumerate(lines):
        separator = next((sign for sign in (",", "\t") if sign in line), None)  # an empty field stays one
        values = line.split(separator)
        try:
            rows.append((float(values[0]), float(values[1])))
        except (ValueError, IndexError) as error:
            if place > 0 or any(map(is_number, values)):
                raise InputError(f"{path}, line {number}: is {line!r}; expected a time and a magnitude") from error
    if not rows:
        raise InputError(f"{path}: there is no observation")
    return np.array(rows)


def _is_comment(line: str) -> bool:
    return not line.strip() or line.lstrip().startswith("#")
