"""Write what is generated: the JSON schema and the table of keys from the models of the configuration, and the page of
figures from the notebooks.

    python config/write_docs.py

Editors check and complete a run's YAML file by the schema; the workflow itself reads the models.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
SCHEMA = ROOT / "config/schemas/config.schema.json"
TABLE = ROOT / "docs/configuration.md"
FIGURES = ROOT / "docs/figures.md"
HEADER = """\
# Every key of a run

Written from `astromer/config/` by `make docs`. What a run leaves out gets the default; a key that is not listed here is
an error. `<name>` stands for a name of your own. "Sect." refers to Donoso-Oliva et al. 2026, A&A 707, A170.
"""

FIGURES_HEADER = """\
# Figures

Written from the first cell of each notebook by `make docs`. A figure is one notebook in `notebooks/`, run by papermill
in the workflow or by hand from a finished demo (`fig_v3`: from a run of `config/ablation.yaml`).
`snakemake --cores 2 <target>` draws it and makes only what it needs. A notebook reads results and draws: it trains
nothing. Each figure has a PDF, a PNG, a table of the numbers that it shows (`results/<run>/tables/`), and its
provenance. What differs from the published figure, and why, stands in its text.
"""


def schema() -> str:
    """Content of the JSON schema."""
    from astromer.config.run import Run

    return json.dumps(Run.model_json_schema(by_alias=True), indent=1) + "\n"


def table() -> str:
    """Content of the page with all keys: one table for each section of a run."""
    content = json.loads(schema())
    lines = [HEADER]
    for name, section in content["properties"].items():
        rows = [f"| `{key}` | {default} | {what} |" for key, default, what in _rows(name, section, content)]
        lines += ["", f"## `{name}`", "", "| key | default | what it is |", "| --- | --- | --- |", *dict.fromkeys(rows)]
    return "\n".join(lines) + "\n"


def figures() -> str:
    """Content of the page with all figures, in the order of their names."""
    lines = [FIGURES_HEADER]
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        content = json.loads(path.read_text(encoding="utf-8"))
        if any(line.startswith("pdf = ") for cell in content["cells"] for line in cell["source"]):
            title, _, caption = "".join(content["cells"][0]["source"]).partition("\n")
            targets = content["metadata"].get("astromer", {}).get("figures", {path.stem: None})
            made = f"Target {' or '.join(f'`{target}`' for target in targets)}, notebook `notebooks/{path.name}`."
            lines += ["", f"## {title.lstrip('# ')}", "", made, "", caption.strip()]
    return "\n".join(lines) + "\n"


def _rows(path: str, node: dict[str, Any], content: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yield path, default and description of a key, and of all keys below it where it is a section."""
    sections = list(_sections(node, content))
    has_other_values = any(not list(_sections(member, content)) for member in node.get("anyOf", ()))
    if not sections or (has_other_values and "description" in node):
        default = json.dumps(node["default"]) if "default" in node else "required"
        what = node.get("description", "").replace("|", r"\|")
        yield path, f"`{default}`" if default != "required" else default, what
    for section in sections:
        for key, below in section["properties"].items():
            yield from _rows(f"{path}.{key}", below, content)
    named = node.get("additionalProperties") or next(iter(node.get("patternProperties", {}).values()), None)
    if isinstance(named, dict) and list(_sections(named, content)):
        yield from _rows(f"{path}.<name>", named, content)


def _sections(node: dict[str, Any], content: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the sections that a node may be: itself, what it refers to, or the members of a union."""
    if "$ref" in node:
        node = content["$defs"][node["$ref"].rpartition("/")[2]]
    if "properties" in node:
        yield node
    for member in [*node.get("anyOf", ()), *node.get("oneOf", ()), *node.get("allOf", ())]:
        yield from _sections(member, content)


if __name__ == "__main__":
    SCHEMA.write_text(schema(), encoding="utf-8")
    TABLE.write_text(table(), encoding="utf-8")
    FIGURES.write_text(figures(), encoding="utf-8")
