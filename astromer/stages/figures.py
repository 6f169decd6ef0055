"""Stage 9: notebooks read results and draw the figures."""

import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import astromer

LONGEST_FOLDER = 60
"""Characters of a folder of sockets; the name of a socket has at most 107 (macOS: 103), and more follows."""


def draw_figure(source: Path, executed: Path, notebook: Path, *, parameters: Mapping[str, Any]) -> None:
    """Execute a notebook, which writes its figure and table to the paths in its parameters.

    Args:
        source: notebook to execute.
        executed: written after each cell, so that the cells of a failed run are kept.
        notebook: written: a copy of `executed` once it is complete.
        parameters: values for the cell `parameters` of the notebook.
    """
    import papermill
    from jupyter_client.manager import AsyncKernelManager

    with tempfile.TemporaryDirectory(dir=_folder_of_sockets()) as sockets:

        class UnixSocketKernelManager(AsyncKernelManager):
            """Kernels on Unix sockets, so that parallel notebooks cannot compete for a port."""

            def __init__(self, *args: Any, **kwargs: Any) -> None:
                super().__init__(*args, **kwargs)
                self.transport, self.ip = "ipc", str(Path(sockets, "kernel"))

        os.environ |= dict.fromkeys(("IPYTHONDIR", "JUPYTER_RUNTIME_DIR"), sockets)  # HOME may not be writable
        os.environ["PYTHONPATH"] = str(Path(astromer.__file__).parents[1])  # the kernel imports this very package
        papermill.execute_notebook(
            source,
            executed,
            parameters=dict(parameters),
            kernel_name="python3",
            kernel_manager_class=UnixSocketKernelManager,
            progress_bar=False,
        )
    shutil.copyfile(executed, notebook)


def _folder_of_sockets() -> str | None:
    """Return a folder whose paths are short enough for a socket, None for the usual one of temporary files."""
    return "/tmp" if len(tempfile.gettempdir()) > LONGEST_FOLDER else None
