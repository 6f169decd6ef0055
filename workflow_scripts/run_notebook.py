"""A notebook and its parameters -> the executed notebook and the figures and tables that it writes."""

import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from _entry import ROOT, logged, write_provenance

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(source: Path, executed: Path, output: Path, *, parameters: dict) -> None:
    import papermill
    from jupyter_client.manager import AsyncKernelManager

    with tempfile.TemporaryDirectory() as sockets:

        class UnixSocketKernelManager(AsyncKernelManager):
            """Notebooks that run side by side cannot race for a port."""

            def __init__(self, *args, **kwargs):
                super().__init__(*args, **kwargs)
                self.transport, self.ip = "ipc", str(Path(sockets, "kernel"))

        os.environ["PYTHONPATH"] = str(ROOT)  # the kernel imports astromer from this checkout
        papermill.execute_notebook(
            source,
            executed,
            parameters=parameters,
            kernel_name="python3",
            kernel_manager_class=UnixSocketKernelManager,
            progress_bar=False,
        )
    shutil.copyfile(executed, output)  # a failed run keeps its cells beside its log


if __name__ == "__main__":
    with logged(snakemake.log.text):
        main(
            Path(snakemake.input.notebook),
            Path(snakemake.log.notebook),
            Path(snakemake.output.notebook),
            parameters=json.loads(snakemake.params.parameters),
        )
        write_provenance(snakemake)
