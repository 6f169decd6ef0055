"""Stage 9: notebooks read results and draw the figures."""

import os
import re
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import astromer
from astromer.errors import InputError

ERROR_LINES = 6  # of a failed cell's traceback, its last ones
ANSI = re.compile(r"\x1b\[[0-9;]*m")

LONGEST_FOLDER = 60
"""Characters of a folder of sockets; the name of a socket has at most 107 (macOS: 103), and more follows."""


def draw_figure(source: Path, notebook: Path, *, executed: str, parameters: Mapping[str, Any]) -> None:
    """Execute a notebook, which writes its figure and table to the paths in its parameters.

    Args:
        source: notebook to execute.
        notebook: written: a copy of `executed` once it is complete.
        executed: path that is written after each cell, so that the cells of a failed run are kept. It is not a log of
            the rule, because Snakemake prints the logs of a failed job in full.
        parameters: values for the cell `parameters` of the notebook.

    Raises:
        InputError: a cell raised one.
        RuntimeError: a cell raised another error; the message has the end of its traceback.
    """
    import papermill
    from jupyter_client.manager import AsyncKernelManager
    from papermill.exceptions import PapermillExecutionError

    Path(executed).parent.mkdir(parents=True, exist_ok=True)

    with tempfile.TemporaryDirectory(dir=_folder_of_sockets()) as sockets:

        class UnixSocketKernelManager(AsyncKernelManager):
            """Kernels on Unix sockets, so that parallel notebooks cannot compete for a port."""

            def __init__(self, *args: Any, **kwargs: Any) -> None:
                super().__init__(*args, **kwargs)
                self.transport, self.ip = "ipc", str(Path(sockets, "kernel"))

        os.environ |= dict.fromkeys(("IPYTHONDIR", "JUPYTER_RUNTIME_DIR"), sockets)  # HOME may not be writable
        os.environ["PYTHONPATH"] = str(Path(astromer.__file__).parents[1])  # the kernel imports this very package
        try:
            papermill.execute_notebook(
                source,
                executed,
                parameters=dict(parameters),
                kernel_name="python3",
                kernel_manager_class=UnixSocketKernelManager,
                progress_bar=False,
            )
        except PapermillExecutionError as error:
            raise _short_error(error, source, executed) from None
    shutil.copyfile(executed, notebook)


def _short_error(error: Any, source: Path, executed: str) -> Exception:
    """Return the error of a failed cell in a few lines."""
    where = f"{source.name}, kept with the failing cell as {executed}"
    if error.ename == "InputError":
        return InputError(f"{where}: {error.evalue}")
    lines = [line for part in error.traceback for line in ANSI.sub("", part).splitlines() if line.strip()]
    return RuntimeError("\n".join([where, *lines[-ERROR_LINES:]]))


def _folder_of_sockets() -> str | None:
    """Return a folder whose paths are short enough for a socket, None for the usual one of temporary files."""
    return "/tmp" if len(tempfile.gettempdir()) > LONGEST_FOLDER else None
