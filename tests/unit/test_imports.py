"""What a rule's digest covers is what its stage imports: no more, no less."""

import json
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

from astromer.imports import digest, used_files

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = sorted((ROOT / "workflow_scripts").glob("[a-z]*.py"))
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def modules(files):
    """Names of the modules in files of the package."""
    inside = [path.relative_to(ROOT) for path in files if path.is_relative_to(ROOT / "astromer")]
    return {".".join(path.with_suffix("").parts).removesuffix(".__init__") for path in inside}


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    """A copy of the sources, to be edited."""
    folder = tmp_path_factory.mktemp("sources")
    for name in ("astromer", "workflow_scripts", "notebooks"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


@pytest.mark.parametrize("source", [*SCRIPTS, *NOTEBOOKS], ids=lambda path: path.stem)
def test_an_edit_changes_the_digest_of_what_uses_it_and_of_nothing_else(sources, source):
    copy = sources / source.relative_to(ROOT)
    used = used_files(copy, sources)
    assert copy in used
    before = digest(copy, sources)
    for path in used:
        with edited([path]):
            assert digest(copy, sources) != before, path
    with edited(set(sources.rglob("*.py")) - used):
        assert digest(copy, sources) == before
    assert digest(copy, sources) == before


@contextmanager
def edited(paths):
    """Add a line to each of these files for a while."""
    contents = {path: path.read_bytes() for path in paths}
    try:
        for path, content in contents.items():
            path.write_bytes(content + b"\n")
        yield
    finally:
        for path, content in contents.items():
            path.write_bytes(content)


def test_modules_found_at_run_time_are_named_beside_the_source(sources):
    script = sources / "workflow_scripts/train_heads.py"
    head = sources / "astromer/models/heads/skip.py"
    assert head not in used_files(script, sources)
    assert head in used_files(script, sources, ["astromer.models.heads.skip"])


def test_a_folder_of_data_counts_by_its_files(sources):
    script, numbers = sources / "workflow_scripts/write_tables.py", sources / "astromer/published/scores.csv"
    before = digest(script, sources)
    with edited([numbers]):
        assert digest(script, sources) != before
    assert digest(script, sources) == before


def test_imports_for_type_checkers_do_not_count():
    assert "astromer.api" not in modules(used_files(ROOT / "astromer/__init__.py", ROOT))


def test_the_scripts_share_what_stands_beside_them():
    names = {path.name for path in used_files(ROOT / "workflow_scripts/pretrain_encoder.py", ROOT)}
    assert {"_entry.py", "_nodes.py", "pretrain.py"} <= names


LOADED = """
import importlib, json, sys
found = {}
for script, module in json.loads(sys.argv[1]).items():
    importlib.import_module(module)
    found[script] = sorted(name for name in sys.modules if name.partition(".")[0] == "astromer")
    for name in found[script]:
        del sys.modules[name]
print(json.dumps(found))
"""


def test_no_module_that_a_stage_loads_is_missed():
    """An independent account: what Python has loaded once the stage is imported."""
    stages = {
        "fetch_dump": "fetch",
        "ingest_shard": "ingest",
        "split_dataset": "split",
        "write_dataset_records": "records",
    }
    stages = {script: f"astromer.stages.{stage}" for script, stage in stages.items()}
    command = [sys.executable, "-c", LOADED, json.dumps(stages)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    for script, loaded in json.loads(done.stdout).items():
        found = modules(used_files(ROOT / f"workflow_scripts/{script}.py", ROOT))
        assert set(loaded) <= found, script
