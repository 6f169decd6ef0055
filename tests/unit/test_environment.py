"""Environment files agree with each other and name no machine; modules import in one direction and stay short."""

import ast
import re
import runpy
import tomllib
from importlib.util import resolve_name
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]
ENVS = ROOT / "envs"
WRITE_CONDA = runpy.run_path(str(ENVS / "write_conda.py"))


def test_conda_environment_has_the_locked_versions():
    assert (ENVS / "astromer.yaml").read_text() == WRITE_CONDA["environment"](), "run `make lock`"


@pytest.mark.parametrize("name", ["cpu", "gpu"])
def test_lock_pins_every_direct_dependency_with_hashes(name):
    lines = (ENVS / f"{name}.lock").read_text().split("\n")
    pins = [line for line in lines if re.match(r"^[a-z0-9]", line)]
    assert all("==" in pin and pin.endswith("\\") for pin in pins)
    locked = dict(re.match(r"([a-z0-9-]+)(?:\[[^]]*\])?==(\S+)", pin).groups() for pin in reversed(pins))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    asked = project["dependencies"] + [line for extra in ("plots", "workflow", "dev", name) for line in extras[extra]]
    for requirement in map(Requirement, asked):
        if requirement.name != project["name"]:
            assert locked[requirement.name] in requirement.specifier, f"{requirement}: run `make lock`"


@pytest.mark.parametrize("recipe", ["Dockerfile", "astromer.def"])
def test_images_are_made_by_one_script_from_a_lock(recipe):
    text = (ENVS / recipe).read_text()
    assert "install_image.sh" in text
    assert re.search(r"(?i)lock=cpu\.lock", text)
    assert "--require-hashes" in (ENVS / "install_image.sh").read_text()


@pytest.mark.parametrize("path", sorted(ENVS.iterdir()), ids=lambda path: path.name)
def test_no_registry_address(path):
    if path.is_file():
        assert not re.search(r"https?://|index-url|find-links", path.read_text())


# What each room of the package may import besides itself. From the top: cli; api and stages; runs and plots;
# evaluation; training; models and data. `surveys` and `splits` stand beside them. `None` is the package itself, which
# imports `api` when that is used.
COMMON = {"config", "errors", "files", "imports"}
ROOMS = {
    "errors": set(),
    "files": {"errors"},
    "config": {"errors"},
    "imports": COMMON,
    "data": COMMON,
    "models": COMMON,
    "training": COMMON | {"models"},
    "evaluation": COMMON | {"training", "models", "data"},
    "plots": COMMON | {"evaluation"},
    "surveys": COMMON,
    "splits": COMMON,
    "runs": COMMON | {"plots", "evaluation"},
    "stages": COMMON | {"plots", "runs", "evaluation", "training", "models", "data", "surveys", "splits", None},
    "__main__": {"cli"},
    "api": COMMON | {"evaluation", "training", "models", "data", "surveys", "splits"},
    "cli": COMMON | {"api", "stages", None},
    None: {"api", "models"},
}
# The one exception: a survey's configuration has the options that the reader of its format defines.
EXCEPTIONS = {"astromer/config/surveys.py": {"surveys"}}
MODULES = sorted((ROOT / "astromer").rglob("*.py"))


def module_id(path):
    return str(path.relative_to(ROOT))


def imported(path):
    """Names of all modules that a module imports, wherever in it, except for those that only type checkers see."""
    module = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    waiting = [ast.parse(path.read_text(encoding="utf-8"))]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            waiting += node.orelse
            continue
        waiting += ast.iter_child_nodes(node)
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            source = resolve_name("." * node.level + (node.module or ""), package)
            yield from (f"{source}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
            name = node.args[0]
            assert isinstance(name, ast.Constant | ast.JoinedStr), f"{path}: {ast.unparse(node)}"
            text = name.value if isinstance(name, ast.Constant) else ast.unparse(name)[2:-1]
            yield resolve_name(text.replace("{__name__}", module), package)


def room_of(module):
    return next(iter(module.removesuffix(".py").replace("/", ".").split(".")[1:]), None)


@pytest.mark.parametrize("path", MODULES, ids=module_id)
def test_imports_point_one_way(path):
    room = room_of(module_id(path).replace("astromer/__init__.py", "astromer"))
    names = set(imported(path))
    assert not {name for name in names if name.partition(".")[0] == "snakemake"}
    found = {room_of(name) for name in names if name.partition(".")[0] == "astromer"}
    wrong = found - {room} - ROOMS[room] - EXCEPTIONS.get(module_id(path), set())
    assert not wrong, f"{path} imports {sorted(map(str, wrong))}"


@pytest.mark.parametrize("path", MODULES, ids=module_id)
def test_a_module_has_at_most_300_lines(path):
    num_lines = path.read_bytes().count(b"\n")
    assert num_lines <= 300, f"{path} has {num_lines} lines: it is two modules"


def test_no_pickle():
    for path in [*ROOT.glob("astromer/**/*.py"), *ROOT.glob("workflow_scripts/*.py"), *ROOT.glob("notebooks/*.ipynb")]:
        assert not re.search(r"import (pickle|joblib|dill)|allow_pickle=True", path.read_text()), path
