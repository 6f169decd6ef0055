"""Stage 10, at its end: all jobs of a run as Provenance Run Crate."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from astromer.files import atomic_path, read_json
from astromer.runs.crate import write_metadata
from astromer.runs.jobs import read_jobs


def write_crate(
    results: Sequence[Path], config: Path, report: Path, source: Path, metadata: Path, workflow: Path
) -> None:
    """Write the crate of a run, which is the folder of its configuration.

    Args:
        results: figures and tables of the run.
        config: configuration of the run.
        report: report of the run.
        source: the Snakefile.
        metadata: written: `ro-crate-metadata.json` in the folder of results.
        workflow: written: a copy of the Snakefile, the crate's main entity.

    Raises:
        InputError: a result has no provenance, or a job read another version of a file than the one that was written.
    """
    folder = config.parent
    files = [path.relative_to(folder).as_posix() for path in (config, *results, report)]
    with atomic_path(workflow) as temporary:
        shutil.copyfile(source, temporary)
    jobs = read_jobs(folder, files)
    run = read_json(config)["run"]
    write_metadata(folder, jobs, run=run, workflow=workflow.relative_to(folder).as_posix(), results=files)
