"""Models with layers of ours load wherever the package has been imported, in whatever order."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LOAD = """
import sys
{imports}
assert len(keras.models.load_model(sys.argv[1]).weights) == 7
"""


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """File of a model with a layer of a head, which nothing loads but the head itself."""
    from astromer.models.heads import build_head

    path = tmp_path_factory.mktemp("model") / "head.keras"
    build_head("skip", num_levels=2, dim=4, num_classes=2, hidden=()).save(path)
    return path


@pytest.mark.parametrize("imports", ["import astromer, keras", "import keras, astromer"])
def test_import_of_the_package_registers_its_layers(model, imports):
    command = [sys.executable, "-c", LOAD.format(imports=imports), str(model)]
    subprocess.run(command, check=True, capture_output=True, cwd=ROOT)


def test_import_of_the_package_loads_nothing_heavy():
    heavy = "{'keras', 'tensorflow', 'polars', 'sklearn', 'matplotlib'}"
    command = f"import sys, astromer, astromer.config.run; print({heavy} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", command], check=True, capture_output=True, text=True, cwd=ROOT)
    assert done.stdout.strip() == "set()"
