"""The table of figures. Every notebook with the parameter `pdf` is a figure, or several for datasets of different roles.

The notebook defines the figure: the first cell contains title and caption. The names in the cell tagged `parameters`
determine its inputs (`INPUTS` and `VALUES` of `figure_inputs.smk`), and whether it is drawn once, for each `dataset` or
for each `encoder`. The notebook's metadata may define several names, each for the datasets of one role.
"""

import ast
import json
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """A figure: its name, which is also the name of its target, and the content of its notebook."""

    name: str
    role: str | None
    notebook: Path
    title: str
    caption: str
    parameters: dict

    @property
    def stem(self):
        """Path below a folder of results, with wildcards for the dataset and encoder."""
        return (
            ("{encoder}/" if self.is_for("encoder") else "")
            + self.name
            + ("_{dataset}" if self.is_for("dataset") else "")
        )

    def is_for(self, name):
        """Return whether the figure is drawn for each dataset, or for each encoder."""
        return name in self.parameters

    def stems(self):
        """List the paths for all datasets and encoders for which the figure is drawn."""
        datasets = [name for name in RUN.datasets if self.role in (None, RUN.role_of(name))]
        if not RUN.datasets or ("curves" in self.parameters and not curve_files(None)):
            return []
        if "predictions" in self.parameters and not RUN.classification.frozen_heads:
            return []
        if "calibrated" in self.parameters and not calibrated_classifiers():
            return []
        if "recipes" in self.parameters and not RUN.recipes:
            return []
        wildcards = {
            "encoder": RUN.finetuned_encoders if self.is_for("encoder") else [""],
            "dataset": datasets if self.is_for("dataset") else [""],
        }
        return expand(self.stem, **wildcards)


def figures_of(notebook):
    """List the figures that a notebook draws."""
    content = json.loads(notebook.read_text(encoding="utf-8"))
    tagged = [cell for cell in content["cells"] if "parameters" in cell["metadata"].get("tags", [])]
    source = "".join(tagged[0]["source"]) if tagged else ""
    parameters = {node.targets[0].id: node.value for node in ast.parse(source).body if isinstance(node, ast.Assign)}
    if "pdf" not in parameters:
        return []
    for name, value in parameters.items():
        if name not in {*INPUTS, *VALUES, *OUTPUTS} and "results/" in ast.unparse(value):
            known = ", ".join(sorted(INPUTS))
            raise WorkflowError(f"{notebook.name}: parameter {name} reads a result, but is not one of {known}.")
    title, _, caption = "".join(content["cells"][0]["source"]).partition("\n")
    names = content["metadata"].get("astromer", {}).get("figures", {notebook.stem: None})
    return [
        Figure(name, role, notebook, title.lstrip("# ").strip(), caption.strip(), parameters)
        for name, role in names.items()
    ]


def files_read(figure):
    """Input function: every file that a figure's notebook reads."""

    def files(wildcards):
        return [path for name in INPUTS if name in figure.parameters for path in leaves(INPUTS[name](wildcards))]

    return files


def values_given(figure):
    """Parameter function: values for the names in the cell `parameters` of a figure's notebook."""

    def values(wildcards, output):
        given = {name: resolved(files(wildcards)) for name, files in INPUTS.items() if name in figure.parameters}
        given |= {name: value(wildcards) for name, value in VALUES.items() if name in figure.parameters}
        return given | {name: output[name] for name in sorted(OUTPUTS)}

    return values


def simulated_behind_figure(figure):
    """Parameter function: the simulated surveys behind a figure."""

    def simulated(wildcards):
        if "observations" in figure.parameters:
            return RUN.simulated_surveys
        if "curves" in figure.parameters:
            return RUN.simulated_behind(encoders=RUN.encoders)
        is_of_one = figure.is_for("dataset") or "example_dataset" in figure.parameters
        shows_stars_alone = not {"metadata", "records"}.isdisjoint(figure.parameters)  # no encoder stands behind these
        encoders = [wildcards.encoder] if figure.is_for("encoder") else RUN.encoders
        return RUN.simulated_behind(
            datasets=[dataset_of(wildcards)] if is_of_one else RUN.datasets,
            encoders=[] if shows_stars_alone else encoders,
        )

    return simulated


def caption_of(figure):
    """Return the caption of a figure in the report."""
    return f"**{figure.title}**\n\n{figure.caption}"


FIGURES = [
    figure
    for notebook in sorted(Path(workflow.basedir, "notebooks").glob("*.ipynb"))
    for figure in figures_of(notebook)
]


def figure_files(figure):
    """List PDF and PNG of a figure for all its datasets and encoders."""
    return expand("<results>/figures/{stem}.{suffix}", stem=figure.stems(), suffix=["pdf", "png"])
