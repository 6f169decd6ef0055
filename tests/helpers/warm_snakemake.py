"""Snakemake in a process that has imported it already: the import is half of the CPU time of a dry run.

As a script, this is a server: for each line of JSON on its input (arguments, working directory, environment, and a file
for what is printed) it forks, and the child does what `python -m snakemake` would; the line that it answers is the exit
status.
"""

import json
import os
import subprocess
import sys
import tempfile
import traceback
from functools import cache
from importlib import import_module
from pathlib import Path


def run(arguments: list[str], folder: Path, environment: dict[str, str]) -> tuple[int, str]:
    """Run Snakemake with arguments in a folder; return its exit status and everything that it printed."""
    with tempfile.NamedTemporaryFile("r", errors="replace") as printed:
        asked = {"arguments": arguments, "folder": str(folder), "environment": environment, "printed": printed.name}
        server = _server()
        server.stdin.write(json.dumps(asked) + "\n")
        server.stdin.flush()
        status = int(server.stdout.readline())
        return status, printed.read()


@cache
def _server() -> subprocess.Popen:
    return subprocess.Popen([sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def _serve() -> None:
    from snakemake.cli import main

    for library in ("polars", "pyarrow.parquet", "pydantic"):  # imports of the Snakefile; our package is the checkout's
        import_module(library)
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            _become_snakemake(main, **json.loads(line))
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


def _become_snakemake(main, arguments, folder, environment, printed) -> None:
    """Run Snakemake's command line in this process, and end the process."""
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    with Path(printed).open("w") as out:
        os.dup2(out.fileno(), 1)
        os.dup2(out.fileno(), 2)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    sys.argv = ["snakemake", *arguments]
    status = 1
    try:
        main(arguments)
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


if __name__ == "__main__":
    _serve()
