"""Stage 10: the report of a run, as one page and as an archive."""

import re
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup, escape

from astromer.errors import InputError
from astromer.files import atomic_path, write_text
from astromer.runs.jobs import Job, read_jobs
from astromer.runs.report import MIB, report_of

MAX_PAGE_MIB = 25
MARKUP = {r"\*\*(.+?)\*\*": r"<b>\1</b>", r"(?<!\w)\*(.+?)\*(?!\w)": r"<i>\1</i>", r"`(.+?)`": r"<code>\1</code>"}


def write_report(results: Sequence[Path], config: Path, template: Path, page: Path, archive: Path) -> None:
    """Write the report of a run, whose folder is that of its configuration.

    Args:
        results: figures and tables of the run.
        config: configuration of the run.
        template: template of the page (Jinja).
        page: written: one HTML file that needs neither the network nor other files.
        archive: written: ZIP of the page with the figures, tables and executed notebooks that it links to, and the
            provenance of all jobs.

    Raises:
        InputError: a result has no provenance, or the page would exceed `MAX_PAGE_MIB`.
    """
    folder = config.parent
    files = [path.relative_to(folder).as_posix() for path in (config, *results)]
    jobs = read_jobs(folder, files)
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters["markup"] = markup
    text = environment.from_string(template.read_text(encoding="utf-8")).render(report_of(folder, jobs, files))
    if len(text.encode()) > MAX_PAGE_MIB * MIB:
        raise InputError(f"{page}: would have more than {MAX_PAGE_MIB} MiB; expected fewer or smaller figures")
    write_text(page, text)
    _pack(archive, folder, [page.name, *files, *_beside(jobs)])


def markup(text: str) -> Markup:
    """Convert what captions use of Markdown to HTML: paragraphs, bold, italics and code."""
    converted = str(escape(text))
    for pattern, replacement in MARKUP.items():
        converted = re.sub(pattern, replacement, converted)
    return Markup("".join(f"<p>{paragraph}</p>" for paragraph in converted.split("\n\n")))  # escaped above


def _beside(jobs: Iterable[Job]) -> Iterable[str]:
    """Yield the provenance of all jobs, and everything that the jobs of figures wrote."""
    for job in jobs:
        yield job.path
        if "caption" in job.params:
            yield from job.outputs


def _pack(archive: Path, folder: Path, files: Iterable[str]) -> None:
    """Write a ZIP whose bytes depend on its content only."""
    with atomic_path(archive) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as packed:
        for file in sorted(set(files)):
            info = zipfile.ZipInfo(f"{folder.name}/{file}")
            packed.writestr(info, (folder / file).read_bytes(), zipfile.ZIP_DEFLATED)
