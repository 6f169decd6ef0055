"""Write astromer.yaml, the conda environment: the direct dependencies at exactly the versions of cpu.lock.

Snakemake copies an environment file before conda reads it, so it cannot point at the lock beside it.
"""

import re
from pathlib import Path

HERE = Path(__file__).parent
HEADER = """\
# Written by `make lock`: the direct dependencies at the versions of cpu.lock, for `snakemake --sdm conda`.
name: astromer
channels:
  - conda-forge
dependencies:
  - python=3.11
  - pip
  - pip:
"""


def direct_dependencies() -> list[str]:
    """Requirements of cpu.in and the files that it includes, as `name; marker`."""
    lines = [line.split("#")[0].strip() for name in ("astromer.in", "cpu.in") for line in (HERE / name).open()]
    requirements = [line for line in lines if line and not line.startswith("-r")]
    return [re.sub(r"^([A-Za-z0-9_.-]+)[^;]*", r"\1", requirement) for requirement in requirements]


def locked_versions() -> dict[str, str]:
    """Version of each package of the lock that Python 3.11 gets."""
    pins = re.findall(r"^([a-z0-9_.-]+)(?:\[[^]]*\])?==(\S+)([^\\\n]*)", (HERE / "cpu.lock").read_text(), re.MULTILINE)
    return {name: version for name, version, marker in pins if ">= '3.12'" not in marker}


def environment() -> str:
    """Content of astromer.yaml."""
    versions = locked_versions()
    pinned = []
    for dependency in direct_dependencies():
        name, _, marker = dependency.partition(";")
        pin = f"{name.strip()}=={versions[name.strip()]}"
        pinned.append(f"      - {pin} ; {marker.strip()}" if marker else f"      - {pin}")
    return HEADER + "\n".join(pinned) + "\n"


if __name__ == "__main__":
    (HERE / "astromer.yaml").write_text(environment())
