"""A file under its final name is always whole."""

import os
import signal
import subprocess
import sys

import pytest

from astromer.files import atomic_path, write_json


def test_success_leaves_only_the_final_file(tmp_path):
    with atomic_path(tmp_path / "new" / "table.csv") as temporary:
        temporary.write_text("a,b\n")
        assert temporary.suffix == ".csv"
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["table.csv"]


def test_failure_keeps_the_old_file_and_no_other(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("old")

    def fail():
        with atomic_path(path) as temporary:
            temporary.write_text("half")
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        fail()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_json_refuses_nan(tmp_path):
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "numbers.json", {"value": float("nan")})
    assert not list(tmp_path.iterdir())


def test_what_a_killed_process_left_is_swept_by_the_next_attempt(tmp_path):
    path = tmp_path / "table[1].csv"
    code = "import sys, time; from pathlib import Path; from astromer.files import atomic_path\n"
    code += "with atomic_path(Path(sys.argv[1])) as path: path.write_text('half'); print(flush=True); time.sleep(99)"
    with subprocess.Popen([sys.executable, "-c", code, path], stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        process.send_signal(signal.SIGKILL)
    (tmp_path / f".{os.getppid()}-{path.name}").write_text("of a process that runs")
    (tmp_path / ".99-other.csv").write_text("of another file")
    assert len(list(tmp_path.iterdir())) == 3
    with atomic_path(path) as temporary:
        temporary.write_text("whole")
    assert {left.name for left in tmp_path.iterdir()} == {path.name, f".{os.getppid()}-{path.name}", ".99-other.csv"}


def test_content_is_on_the_disk_before_it_gets_its_name(tmp_path, monkeypatch):
    synced = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: synced.append((tmp_path / "a.csv").exists()))
    with atomic_path(tmp_path / "a.csv") as temporary:
        temporary.write_text("a")
    assert synced == [False]
