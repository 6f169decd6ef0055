"""A file under its final name is always whole."""

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
