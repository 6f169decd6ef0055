"""Registries of heads, baselines and readers: each is one module in the folder of its kind, found by its file name."""

import ast
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


def reads_padding(name: str, variant: str) -> bool:
    """Whether a head reads the padding of windows, which the variant `released` of some heads does."""
    return variant == "released" and not {"padding", "sequence"}.isdisjoint(head_arrays(name, variant))


def head_arrays(name: str, variant: str = "paper") -> tuple[str, ...]:
    """Return the names of the arrays of `astromer.models.pooling.pool` that a head reads.

    They are read from the source of its module: `INPUTS`, or for the variant `released` `RELEASED_INPUTS` if it is
    defined. Nothing is imported, so that the workflow knows them without Keras, and embeddings depend on what the heads
    read, but not on the code of the heads.

    Raises:
        InputError: there is no such head.
    """
    source = Path(__file__).parents[1] / "models/heads" / f"{check_name('head', name, HEADS)}.py"
    assigned = {
        target.id: node.value
        for node in ast.parse(source.read_text(encoding="utf-8"), str(source)).body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    released = "RELEASED_INPUTS" if variant == "released" and "RELEASED_INPUTS" in assigned else "INPUTS"
    return tuple(ast.literal_eval(assigned[released]))
