"""Find the modules of the package that a source uses, so that a change of one of them reruns the rules that need it.

Nothing is imported: the sources are parsed. An import inside a function counts, and so does the name of a module in a
string, which is how the workflow's scripts name the stage that they call; where that is a folder of data, all its files
count. An import under `if TYPE_CHECKING` does not
count. Modules whose names are known only at run time (a head, a baseline, a reader) have to be given separately.
"""

import ast
import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

PACKAGE = "astromer"
_MODULE_NAME = re.compile(rf"{PACKAGE}(\.[A-Za-z_]\w*)+")


def digest(source: Path, root: Path, others: Iterable[str] = ()) -> str:
    """Digest a source and all modules that it uses.

    Args:
        source: a Python file, or a notebook.
        root: folder that contains the package.
        others: names of further modules that the source uses.

    Returns:
        16 hexadecimal digits.
    """
    content = hashlib.sha256()
    for path in sorted(used_files(source, root, others)):
        content.update(f"{path.relative_to(root)}\n".encode())
        content.update(path.read_bytes())
    return content.hexdigest()[:16]


def used_files(source: Path, root: Path, others: Iterable[str] = ()) -> set[Path]:
    """List the source and the files of all modules that it uses, directly or indirectly."""
    found: set[Path] = set()
    waiting = [source, *(path for name in others for path in _files_of(name, root))]
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            waiting += _imported_files(path, root)
    return found


@cache
def _imported_files(source: Path, root: Path) -> tuple[Path, ...]:
    if source.suffix not in (".py", ".ipynb"):
        return ()
    names = set(_names(_parse(source)))
    beside = [source.with_name(f"{name}.py") for name in names if "." not in name]  # modules that scripts share
    return tuple(path for path in beside if path.is_file()) + tuple(
        path for name in names for path in _files_of(name, root)
    )


def _parse(source: Path) -> ast.AST:
    text = source.read_text(encoding="utf-8")
    if source.suffix == ".ipynb":
        cells = ("".join(cell["source"]) for cell in json.loads(text)["cells"] if cell["cell_type"] == "code")
        text = "\n".join(cells)
    return ast.parse(text, str(source))


def _names(node: ast.AST) -> Iterator[str]:
    """Yield the names that the code imports; `from a import b` yields both `a` and `a.b`."""
    if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
        return
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module:
        yield node.module
        yield from (f"{node.module}.{alias.name}" for alias in node.names)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str) and _MODULE_NAME.fullmatch(node.value):
        yield node.value
    for child in ast.iter_child_nodes(node):
        yield from _names(child)


@cache
def _files_of(name: str, root: Path) -> tuple[Path, ...]:
    """Find the files of a name: the module and the packages that contain it, or all files of a folder of data."""
    parts = name.split(".")
    if parts[0] != PACKAGE:
        return ()
    folders = [root.joinpath(*parts[:end]) for end in range(1, len(parts) + 1)]
    places = [*(folder / "__init__.py" for folder in folders), folders[-1].with_suffix(".py")]
    found = tuple(path for path in places if path.is_file())
    is_data = folders[-1].is_dir() and not folders[-1].joinpath("__init__.py").is_file()
    return found + tuple(path for path in folders[-1].iterdir() if path.is_file()) if is_data else found
