"""The content of a run's report: what was run, claims, figures and tables in the paper's order, and its jobs."""

import base64
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from astromer.files import read_json
from astromer.plots.claims import count_verdicts
from astromer.plots.style import DPI
from astromer.runs.jobs import Job
from astromer.runs.tables import Table, claims_table, scores_table, stored_tables

# The sections in the order of the paper. A figure belongs to the first whose parameters its notebook reads.
SECTIONS = {
    "Data": {"observations", "metadata"},
    "Pretraining": {"curves", "masking", "reconstruction"},
    "Encoder": {"attention", "finetunings", "gammas", "maps", "silhouettes", "recipes"},
    "Classification": {"calibrated", "claims", "metrics", "predictions"},
    "Further figures": set(),
}
MAIN_FIGURE = "fig12"
PIXELS_PER_INCH = 144  # of a figure on the page: one and a half times its printed size
MIB = 2**20


@dataclass(frozen=True)
class Figure:
    """A figure, and what stands behind it.

    Attributes:
        stem: its path below `figures`, without suffix.
        title, caption: from the notebook's first cell; the caption is Markdown.
        image: PNG as base64.
        width: its width on the page [px].
        notebook: file name of the notebook's source.
        job: the job that drew it.
        table: the numbers that it shows.
    """

    stem: str
    title: str
    caption: str
    image: str
    width: int
    notebook: str
    job: Job
    table: Table


@dataclass
class Section:
    """A section of the report."""

    title: str
    figures: list[Figure] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)


def report_of(folder: Path, jobs: Sequence[Job], files: Sequence[str]) -> dict[str, Any]:
    """Return all that the report's template shows.

    Args:
        folder: results of a run.
        jobs: its jobs, see `astromer.runs.jobs.read_jobs`.
        files: figures and tables of the run, relative to `folder`, which may have others of earlier configurations.
    """
    config = read_json(folder / "config.json")
    sections = {title: Section(title, tables=list(stored_tables(folder, files, title))) for title in SECTIONS}
    figures = [_figure(folder, job) for job in jobs if "caption" in job.params]
    for figure in sorted(figures, key=lambda figure: _natural(figure.stem)):
        sections[_section_of(figure)].figures.append(figure)
    sections["Classification"].tables.append(scores_table(folder, config["datasets"]))
    claims = claims_table(folder)
    verdicts = Counter(row[claims.columns.index("verdict")] for row in claims.rows)
    audit = pl.read_csv(folder / "splits/audit.csv")
    shown = [section for section in sections.values() if section.figures or section.tables]
    first = next(iter(config["datasets"]), "")
    figures_of_first = (f"{MAIN_FIGURE}_{first}", MAIN_FIGURE)
    main = [figure for section in shown for figure in section.figures if Path(figure.stem).name in figures_of_first]
    return {
        "run": config["run"],
        "seed": config["seed"],
        "simulated": sorted({name for job in jobs for name in job.simulated_surveys}),
        "datasets": _datasets_table(config, pl.read_csv(folder / "splits/counts.csv")),
        "encoders": _encoders_table(config),
        "claims": claims,
        "verdicts": count_verdicts(verdicts),
        "main": main[0] if main else None,
        "unmatched": audit.filter(status="unmatched")["boundary"].to_list(),
        "seen": audit.filter(status="seen").select("boundary", "leaks").rows(),
        "sections": shown,
        "commits": Counter(job.git_commit or "unknown" for job in jobs),
        "jobs": len(jobs),
        "resources": _resources_tables(folder, jobs),
        "versions": _versions_table(jobs),
    }


def _figure(folder: Path, job: Job) -> Figure:
    (png,) = [file for file in job.outputs if file.endswith(".png")]
    (table,) = [file for file in job.outputs if file.endswith(".csv")]
    (notebook,) = [Path(file).name for file in job.inputs if file.endswith(".ipynb")]
    image = (folder / png).read_bytes()
    title, _, caption = job.params["caption"].partition("\n")
    drawn_for = [job.wildcards[name] for name in ("dataset", "encoder") if name in job.wildcards]
    return Figure(
        stem=png.removeprefix("figures/").removesuffix(".png"),
        title=", ".join([title.strip("* "), *drawn_for]),
        caption=caption.strip(),
        image=base64.b64encode(image).decode(),
        width=round(_width(image) / DPI * PIXELS_PER_INCH),
        notebook=notebook,
        job=job,
        table=Table.of(pl.read_csv(folder / table, infer_schema_length=None), "Numbers", "", table),
    )


def _width(png: bytes) -> int:
    """Return the width of a PNG [px], which follows its signature and the name of its first chunk."""
    return int.from_bytes(png[16:20], "big")


def _section_of(figure: Figure) -> str:
    parameters = set(figure.job.params["parameters"])
    return next((title for title, names in SECTIONS.items() if names & parameters), "Further figures")


def _natural(name: str) -> list[tuple[bool, int, str]]:
    """Return the key that sorts numbers in names by value, and numbered figures before others."""
    parts = re.findall(r"\d+|\D+", Path(name).name)
    return [(not part.isdigit(), int(part) if part.isdigit() else 0, part) for part in parts]


def _datasets_table(config: Mapping[str, Any], counts: pl.DataFrame) -> Table:
    rows = []
    for name, dataset in config["datasets"].items():
        test = counts.filter(dataset=name, fold=0, subset="test")["objects"].sum()
        is_simulated = config["surveys"][dataset["survey"]]["format"] == "simulated"
        data = "simulated" if is_simulated else "real"
        sizes = ", ".join(map(str, dataset["spc"]))
        rows.append((name, dataset["survey"], data, len(dataset["classes"]), sizes, dataset["folds"], test))
    columns = ["dataset", "survey", "stars", "classes", "samples per class", "folds", "test objects per fold"]
    return Table.of(pl.DataFrame(rows, columns, orient="row"), "Datasets", "", "")


def _encoders_table(config: Mapping[str, Any]) -> Table:
    surveys = ", ".join(config["pretraining"]["surveys"])
    rows = []
    for name, encoder in config["encoders"].items():
        weights = encoder.get("weights")
        is_untrained = (encoder.get("training") or {}).get("epochs") == 0
        source = f"weights {weights}" if weights else "random weights" if is_untrained else f"{surveys}"
        rows.append((name, encoder.get("architecture") or "", source, "yes" if encoder["finetune"] else "no"))
    columns = ["encoder", "architecture", "pretrained on", "finetuned"]
    return Table.of(pl.DataFrame(rows, columns, orient="row"), "Encoders", "", "")


def _resources_tables(folder: Path, jobs: Sequence[Job]) -> list[Table]:
    """Return time and memory by rule and by job: what Snakemake measured, and what the rules ask for."""
    rows = [
        {
            "rule": job.rule,
            "wildcards": ", ".join(job.wildcards.values()),
            "minutes": used["s"].item() / 60,
            "minutes asked": float(job.resources["runtime"]),
            "peak MiB": used["max_rss"].item(),
            "MiB asked": float(job.resources["mem_mb"]),
            "threads": job.resources["threads"],
        }
        for job in jobs
        for used in [pl.read_ndjson(folder / job.benchmark).tail(1).cast({"max_rss": pl.Float64}, strict=False)]
    ]
    each = pl.DataFrame(rows, infer_schema_length=None)
    by_rule = each.group_by("rule", maintain_order=True).agg(
        pl.len().alias("jobs"),
        pl.col("minutes").sum().alias("minutes in all"),
        pl.col("minutes").max().alias("longest"),
        pl.col("minutes asked").max(),
        pl.col("peak MiB").max(),
        pl.col("MiB asked").max(),
    )
    caption = "Measured by Snakemake on the machine of the run; a job that ends within a second has no memory measured."
    return [Table.of(by_rule, "By rule", caption), Table.of(each, "By job", caption)]


def _versions_table(jobs: Sequence[Job]) -> Table:
    names = sorted({name for job in jobs for name in job.versions})
    rows = [(name, ", ".join(sorted({job.versions[name] for job in jobs if name in job.versions}))) for name in names]
    return Table.of(pl.DataFrame(rows, ["package", "versions"], orient="row"), "Versions", "", "")
