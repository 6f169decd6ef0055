"""A Python that has imported our libraries already: their imports are most of the CPU time of a small job.

`executable()` is a command that takes a script, or `-m` and a module, as Python does. It asks a server, which forks;
the child takes over the command's arguments, folder, environment and files, and the command ends as the child does. In
the child, `sys.executable` is this command again, so that what Snakemake or a notebook starts is warm as well.
"""

import atexit
import contextlib
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
import traceback
from functools import cache
from importlib import import_module
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parents[2] / "workflow_scripts"
LIBRARIES = (
    *("snakemake.cli", "papermill", "ipykernel.kernelapp", "pydantic", "polars", "pyarrow.parquet", "scipy.signal"),
    *("scipy.stats", "sklearn.ensemble", "sklearn.linear_model", "sklearn.pipeline", "matplotlib.pyplot", "seaborn"),
)
"""Imported after Keras, which jobs load without the libraries that it could use. Our package is not among them: it is
that of the checkout whose workflow runs."""
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")  # a process of several threads cannot fork
ENVIRONMENT = {"MPLBACKEND": "Agg", "TF_CPP_MIN_LOG_LEVEL": "2", "KERAS_BACKEND": "tensorflow"}  # as jobs set it
FORWARDED = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)


@cache
def executable() -> str:
    """Start the server, which ends with this process; return the path of the command, in which there is no space."""
    folder = Path(tempfile.mkdtemp(prefix="warm-python-", dir="/tmp"))
    atexit.register(subprocess.run, ["rm", "-r", folder], check=False)
    command, address = folder / "python", folder / "socket"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -SE "{__file__}" ask "{address}" "$@"\n')
    command.chmod(0o755)
    environment = os.environ | ONE_THREAD | ENVIRONMENT
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(address))
        listener.listen(64)
        arguments = [sys.executable, __file__, "serve", str(listener.fileno()), str(command)]
        server = subprocess.Popen(arguments, stdin=subprocess.PIPE, env=environment, pass_fds=[listener.fileno()])
    atexit.register(server.stdin.close)
    return str(command)


def ask(address: str, *arguments: str) -> int:
    """Have the server run this command; return its exit status, or end by the signal that ended it."""
    with socket.socket(socket.AF_UNIX) as server:
        server.connect(address)
        asked = json.dumps(
            {"arguments": arguments, "folder": str(Path.cwd()), "environment": dict(os.environ)}
        ).encode()
        socket.send_fds(server, [len(asked).to_bytes(8)], [0, 1, 2])
        for number in FORWARDED:
            signal.signal(number, lambda number, _: server.sendall(bytes([number])))
        server.sendall(asked)
        answer = server.recv(8)
    status = int(answer) if answer else 1
    if status < 0:
        for number in FORWARDED:
            signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), -status)
    return status


def serve(listener: str, command: str) -> None:
    """Fork for each command, until the standard input ends."""
    sys.path.insert(0, str(SCRIPTS))
    from _keras import LightKeras

    sys.meta_path.insert(0, LightKeras())
    for library in ("keras", *LIBRARIES):
        import_module(library)
    del sys.meta_path[0], sys.path[0], sys.modules["_keras"]  # a job loads those of its own checkout
    del sys.path[0]  # of this script
    sys.executable = command
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(fileno=int(listener)) as server:
        while server in select.select([server, sys.stdin], [], [])[0]:
            client, _ = server.accept()
            if os.fork() == 0:
                server.close()
                _watch(client)
            client.close()


def _watch(client: socket.socket) -> None:
    """Run a command in a child; pass signals on, kill the child if the command is gone, and answer its exit status."""
    ended, wakeup = os.pipe()
    os.set_blocking(wakeup, False)
    signal.set_wakeup_fd(wakeup)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    size, files, *_ = socket.recv_fds(client, 8, 3)
    with client.makefile("rb", buffering=0) as stream:
        asked = b""
        while len(asked) < int.from_bytes(size):
            asked += stream.read(int.from_bytes(size) - len(asked))
    child = os.fork()
    if child == 0:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for file in (client.detach(), ended, wakeup):
            os.close(file)
        _become(files, **json.loads(asked))
    for file in files:
        os.close(file)
    while ended not in select.select([client, ended], [], [])[0]:
        os.kill(child, (client.recv(1) or bytes([signal.SIGKILL]))[0])
    _, status = os.waitpid(child, 0)
    with contextlib.suppress(BrokenPipeError):  # killed
        client.sendall(str(os.waitstatus_to_exitcode(status)).encode())
    os._exit(0)


def _become(files: list[int], arguments: list[str], folder: str, environment: dict[str, str]) -> None:
    """Be the command, and end the process."""
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    module = arguments[1] if arguments[0] == "-m" else None
    sys.argv = arguments[1:] if module else arguments
    sys.path[:0] = [folder if module else str(Path(arguments[0]).parent)]
    sys.path[1:1] = filter(None, environment.get("PYTHONPATH", "").split(os.pathsep))
    status = 1
    try:
        if module:
            runpy.run_module(module, run_name="__main__", alter_sys=True)
        else:
            runpy.run_path(arguments[0], run_name="__main__")
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


if __name__ == "__main__":
    sys.exit({"ask": ask, "serve": serve}[sys.argv[1]](*sys.argv[2:]))
