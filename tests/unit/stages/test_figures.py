"""Notebooks run wherever temporary files and the home folder are."""

import os
import subprocess
import sys

import nbformat

DRAW = """
import sys
from pathlib import Path
from astromer.stages.figures import draw_figure
source, notebook = map(Path, sys.argv[1:3])
draw_figure(source, notebook, executed=sys.argv[3], parameters={"answer": 42})
"""


def test_a_notebook_runs_with_a_long_temporary_folder_and_without_a_home(tmp_path):
    cells = [nbformat.v4.new_code_cell("answer = 0", metadata={"tags": ["parameters"]})]
    cells.append(nbformat.v4.new_code_cell("assert answer == 42"))
    language = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    source, executed, notebook = (tmp_path / f"{name}.ipynb" for name in ("source", "executed", "notebook"))
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=language), source)
    far = tmp_path / "/".join(["d" * 40] * 3)
    far.mkdir(parents=True)
    environment = os.environ | {"TMPDIR": str(far), "HOME": "/proc/nowhere"}
    command = [sys.executable, "-c", DRAW, source, notebook, executed]
    subprocess.run(command, env=environment, check=True, capture_output=True)
    assert executed.read_bytes() == notebook.read_bytes()
