"""Write astromer.yaml, the conda environment of the rules: what pyproject.toml asks for, at the versions of cpu.lock.

Snakemake copies an environment file before conda reads it, so the file cannot refer to the lock beside it.
"""

import re
import tomllib
from pathlib import Path

HERE = Path(__file__).parent
EXTRAS = ("workflow", "features", "plots", "fits", "cpu")
HEADER = """\
# Written by `make lock`: the dependencies of pyproject.toml at the versions of cpu.lock, for `snakemake --sdm conda`.
name: astromer
channels:
  - conda-forge
dependencies:
  - python=3.11
  - pip
  - pip:
"""


def requirements(*extras: str) -> list[tuple[str, str]]:
    """Name and environment marker (empty for none) of the package's dependencies and those of the given extras."""
    project = tomllib.loads((HERE.parent / "pyproject.toml").read_text())["project"]
    lines = project["dependencies"] + [line for extra in extras for line in project["optional-dependencies"][extra]]
    own_extra = f"{project['name']}["  # an extra that contains another one
    parts = [re.fullmatch(r"([\w.-]+)[^;]*;?\s*(.*)", line) for line in lines if not line.startswith(own_extra)]
    return [(part[1], part[2].replace("'", '"')) for part in parts if part]


def locked_versions() -> dict[str, str]:
    """Version of each package of cpu.lock that Python 3.11 gets."""
    pin = re.compile(r"^([a-z0-9_.-]+)(?:\[[^]]*\])?==(\S+)([^\\\n]*)", re.MULTILINE)
    newer = re.compile(r"python_full_version (>=|==) '3\.12")
    pins = pin.findall((HERE / "cpu.lock").read_text())
    return {name: version for name, version, marker in pins if not newer.search(marker)}


def environment() -> str:
    """Content of astromer.yaml."""
    versions = locked_versions()
    pins = [
        f"      - {name}=={versions[name]}" + (f" ; {marker}" if marker else "")
        for name, marker in requirements(*EXTRAS)
    ]
    return HEADER + "\n".join(pins) + "\n"


if __name__ == "__main__":
    (HERE / "astromer.yaml").write_text(environment())
