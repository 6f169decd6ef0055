"""Run a notebook's cells in this process, without a kernel, which would take seconds to start."""

from pathlib import Path
from typing import Any

import nbformat

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"


def run_cells(name: str, parameters: dict[str, Any]) -> dict[str, Any]:
    """Execute the code cells in order, with `parameters` after the cell of the defaults; return all variables.

    Every parameter must be one of the notebook's own.
    """
    variables: dict[str, Any] = {}
    for cell in nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4).cells:
        if cell.cell_type == "code":
            exec(compile(cell.source, f"{name}.ipynb", "exec"), variables)
        if cell.metadata.get("tags") == ["parameters"]:
            assert set(parameters) <= set(variables), f"{name} has no parameter {set(parameters) - set(variables)}"
            variables.update(parameters)
    return variables


def files_of(folder: Path, name: str) -> dict[str, str]:
    """Outputs of a figure's notebook, as its rule names them."""
    return {kind: str(folder / f"{name}.{kind}") for kind in ("pdf", "png")} | {"table": str(folder / f"{name}.csv")}


def assert_written(files: dict[str, str]) -> None:
    assert Path(files["pdf"]).read_bytes().startswith(b"%PDF")
    assert Path(files["png"]).read_bytes().startswith(b"\x89PNG")
    assert Path(files["table"]).stat().st_size > 0
