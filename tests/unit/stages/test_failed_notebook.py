"""A failed notebook: a short error, and the executed copy with the failing cell."""

import nbformat
import pytest

from astromer.errors import InputError
from astromer.stages.figures import draw_figure


@pytest.mark.parametrize(
    ("cell", "error", "lines"),
    [
        ("from astromer.errors import InputError\nraise InputError('fold 2 is missing')", InputError, 1),
        ("def deep(n):\n    return deep(n - 1) if n else 1 / 0\ndeep(40)", RuntimeError, 7),
    ],
    ids=["bad input", "bug"],
)
def test_a_failed_notebook_keeps_its_cells_and_says_why_in_a_few_lines(tmp_path, cell, error, lines):
    language = {"language_info": {"name": "python"}}
    notebook = nbformat.v4.new_notebook(metadata=language)
    parameters = nbformat.v4.new_code_cell("run = 'demo'", metadata={"tags": ["parameters"]})
    notebook.cells = [parameters, nbformat.v4.new_code_cell(cell)]
    nbformat.write(notebook, tmp_path / "broken.ipynb")
    executed, complete = tmp_path / "logs" / "broken.ipynb", tmp_path / "complete.ipynb"
    with pytest.raises(error) as raised:
        draw_figure(tmp_path / "broken.ipynb", complete, executed=str(executed), parameters={"run": "test"})
    message = str(raised.value)
    assert message.count("\n") < lines
    assert message.splitlines()[-1].endswith(("fold 2 is missing", "ZeroDivisionError: division by zero"))
    assert str(executed) in message
    assert "\x1b" not in message
    outputs = nbformat.read(executed, as_version=4).cells[-1].outputs
    assert any(output.output_type == "error" for output in outputs)
    assert not complete.exists()
