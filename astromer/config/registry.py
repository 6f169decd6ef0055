"""Registries of heads, baselines and readers: each is one module in the folder of its kind, found by its file name."""

from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path

from astromer.errors import InputError


def modules_in(folder: str) -> tuple[str, ...]:
    """Return the names of the modules in a folder of the package."""
    return tuple(sorted(path.stem for path in (Path(__file__).parents[1] / folder).glob("[a-z]*.py")))


HEADS = modules_in("models/heads")
BASELINES = modules_in("models/baselines")
FORMATS = modules_in("surveys/readers")


def check_name(kind: str, name: str, known: Iterable[str]) -> str:
    """Return `name` if it is known.

    Raises:
        InputError: it is not; the message lists the known ones.
    """
    if name in known:
        return name
    similar = get_close_matches(name, known, n=1)
    hint = f"; did you mean {similar[0]}?" if similar else ""
    raise InputError(f"{kind} is {name!r}; expected one of {', '.join(sorted(known))}{hint}")
