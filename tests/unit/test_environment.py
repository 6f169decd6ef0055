"""The environment files say the same thing, and nothing about the machine that made them."""

import re
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ENVS = ROOT / "envs"
WRITE_CONDA = runpy.run_path(str(ENVS / "write_conda.py"))


def test_conda_environment_has_the_locked_versions():
    assert (ENVS / "astromer.yaml").read_text() == WRITE_CONDA["environment"](), "run `make lock`"


@pytest.mark.parametrize("name", ["cpu", "gpu"])
def test_lock_pins_every_direct_dependency_with_hashes(name):
    lock = (ENVS / f"{name}.lock").read_text()
    packages = lock.split("\n")
    pins = [line for line in packages if re.match(r"^[a-z0-9]", line)]
    assert all("==" in line and line.endswith("\\") for line in pins)
    for source in ("astromer.in", "test.in", f"{name}.in"):
        for line in (ENVS / source).read_text().splitlines():
            if match := re.match(r"^([a-z0-9][a-z0-9-]*)", line):
                assert any(pin.startswith((f"{match[1]}==", f"{match[1]}[")) for pin in pins), match[1]


@pytest.mark.parametrize("path", sorted(ENVS.iterdir()), ids=lambda path: path.name)
def test_no_registry_address(path):
    if path.is_file():
        assert not re.search(r"https?://|index-url|find-links", path.read_text())


def test_imports_point_one_way():
    """`data` and `models` know none of the others; plots -> evaluation -> training -> models; none knows Snakemake."""
    allowed = {
        "data": {"data"},
        "models": {"models"},
        "training": {"training", "models"},
        "evaluation": {"evaluation", "training", "models", "data"},
        "plots": {"plots", "evaluation"},
    }
    for package, others in allowed.items():
        for path in (ROOT / "astromer" / package).rglob("*.py"):
            text = path.read_text()
            found = set(re.findall(r"^\s*(?:from|import) astromer\.(\w+)", text, re.MULTILINE)) & set(allowed)
            assert found <= others, f"{path} imports {found - others}"
            assert not re.search(r"^\s*(?:from|import) snakemake", text, re.MULTILINE), path


def test_no_pickle():
    for path in [*ROOT.glob("astromer/**/*.py"), *ROOT.glob("workflow_scripts/*.py"), *ROOT.glob("notebooks/*.ipynb")]:
        assert not re.search(r"import (pickle|joblib|dill)|allow_pickle=True", path.read_text()), path
