"""Make every figure, the tables and the report each by itself, in a folder with nothing but what its rule declares.

    python tests/targets_alone.py [--config FILE]

A whole run is the reference. For each target, the files of the jobs that it depends on are linked into an empty folder,
and the target is made there. A notebook or a script that reads a file which Snakemake does not know of fails. Prints
the seconds of each target, and ends with status 1 if one fails or differs from the reference.
"""

import argparse
import csv
import io
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

import yaml

sys.path[:0] = [str(Path(__file__).parent / "helpers"), str(Path(__file__).parents[1])]

from workflow_run import TINY, Workflow  # noqa: E402

LAST_RULES = {"tables": {"write_tables"}, "results": {"show_tables"}, "report": {"write_report"}}
"""The rules that make a target, of those that are no figures; a figure is made by `draw_<figure>`."""


def files_of(run: Workflow, target: str) -> dict[str, str]:
    """Return the rule of every file that a target depends on, by path."""
    summary = run.run("--summary", "--quiet", "all", "--", target)
    table = summary[summary.index("output_file\t") :]
    return {row["output_file"]: row["rule"] for row in csv.DictReader(io.StringIO(table), delimiter="\t")}


def link(files: list[str], source: Path, target: Path) -> None:
    """Link files and folders; both keep their times."""
    for name in files:
        place = target / name
        place.parent.mkdir(parents=True, exist_ok=True)
        if (source / name).is_dir():
            shutil.copytree(source / name, place, copy_function=os.link, dirs_exist_ok=True)
        elif not place.exists():
            os.link(source / name, place)


def make_alone(run: Workflow, folder: Path, target: str) -> list[str]:
    """Make a target in an empty folder; return one line for each file that differs from the whole run."""
    rules = files_of(run, target)
    last = LAST_RULES.get(target, {f"draw_{target}"})
    made = [name for name, rule in rules.items() if rule in last]
    alone = Workflow(folder, run.config)
    link([name for name, rule in rules.items() if rule not in last], run.folder, folder)
    alone.run("--cores", "2", "--rerun-triggers", "mtime", "--quiet", "all", "--", target)
    compared = [name for name in made if name.endswith((".csv", ".png", ".pdf"))]
    differing = [name for name in compared if (folder / name).read_bytes() != (run.folder / name).read_bytes()]
    return [f"{target}: {name} differs from the whole run" for name in differing]


def main() -> int:
    """Make all targets and print their seconds."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--config", type=Path, default=TINY, help="configuration of the run")
    config = yaml.safe_load(parser.parse_args().config.read_text())
    wrong: list[str] = []
    with tempfile.TemporaryDirectory(prefix="targets alone ") as folder:
        run, started = Workflow(Path(folder, "whole"), config), time.monotonic()
        run.run("--cores", "2")
        print(f"whole run: {time.monotonic() - started:.0f} s", flush=True)
        rules = set(files_of(run, "all").values())
        figures = sorted(rule.removeprefix("draw_") for rule in rules if rule.startswith("draw_"))
        for target in (*figures, *LAST_RULES):
            started = time.monotonic()
            try:
                wrong += make_alone(run, Path(folder, target), target)
            except AssertionError as error:  # of `Workflow.run`, with what Snakemake printed
                wrong.append(f"{target}: {error}")
            print(f"{target}: {time.monotonic() - started:.1f} s", flush=True)
            shutil.rmtree(Path(folder, target))
    print(f"{len(figures) + len(LAST_RULES)} targets, {len(wrong)} things wrong", *wrong, sep="\n")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
