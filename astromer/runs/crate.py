"""A run as Provenance Run Crate 0.5: every job, and what it read and wrote (Leo et al. 2024, PLOS ONE 19, e0309210).

The crate is the folder of results with `ro-crate-metadata.json` in it. A file that is outside of the folder (a dump,
the source of a notebook) or was temporary is not part of it; it is described by its name and checksum.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

from rocrate.model.contextentity import ContextEntity
from rocrate.model.entity import Entity
from rocrate.rocrate import ROCrate

from astromer.files import write_json
from astromer.runs.jobs import Job

METADATA = "ro-crate-metadata.json"
PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.5": ("Process Run Crate", "0.5"),
    "https://w3id.org/ro/wfrun/workflow/0.5": ("Workflow Run Crate", "0.5"),
    "https://w3id.org/ro/wfrun/provenance/0.5": ("Provenance Run Crate", "0.5"),
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0": ("Workflow RO-Crate", "1.0"),
}
LICENSE = "https://spdx.org/licenses/MIT"
# Not a term of RO-Crate 1.1.
TERMS = {"sha256": "https://w3id.org/ro/terms/workflow-run#sha256"}


def write_metadata(folder: Path, jobs: Sequence[Job], *, run: str, workflow: str, results: Iterable[str]) -> None:
    """Write `ro-crate-metadata.json`.

    Args:
        folder: results of the run.
        jobs: jobs of the run, in an order in which they can run.
        run: name of the run.
        workflow: the workflow's file, relative to `folder`.
        results: files that the run was made for, relative to `folder`.
    """
    crate = _RunCrate(folder, jobs)
    crate.describe(run)
    crate.add_workflow_run(workflow, list(results))
    write_json(folder / METADATA, crate.crate.metadata.generate())


class _RunCrate:
    """The crate while it is filled."""

    def __init__(self, folder: Path, jobs: Sequence[Job]) -> None:
        self.crate = ROCrate(version="1.1")
        self.crate.metadata.extra_terms = TERMS
        self.folder, self.jobs = folder, jobs
        # A file has the checksum of the job that wrote it; that of an input may be None.
        self.checksums = {file: checksum for job in jobs for file, checksum in job.inputs.items()}
        self.checksums |= {file: checksum for job in jobs for file, checksum in job.outputs.items()}

    def describe(self, run: str) -> None:
        """Describe the crate as a whole."""
        root = self.crate.root_dataset
        simulated = any(job.data == "simulated" for job in self.jobs)
        root["name"] = f"Run {run} of the ASTROMER 2 workflow"
        root["description"] = (
            f"Results of {len(self.jobs)} jobs on {'simulated' if simulated else 'real'} light curves; "
            "each job is an action with its inputs, outputs and their checksums."
        )
        root["datePublished"] = max(job.ended for job in self.jobs)
        root["license"] = self._entity(LICENSE, "CreativeWork", name="MIT License", description="Licence of the code.")
        root["conformsTo"] = [
            self._entity(address, "CreativeWork", name=name, version=version)
            for address, (name, version) in PROFILES.items()
        ]

    def add_workflow_run(self, workflow: str, results: Sequence[str]) -> None:
        """Add the workflow, its run, and the run of each of its rules."""
        last = self.jobs[-1]
        properties = {
            "@type": ["File", "SoftwareSourceCode", "ComputationalWorkflow", "HowTo"],
            "name": "ASTROMER 2, from raw survey dumps to every figure and table",
        }
        definition = self.crate.add_workflow(
            self.folder / workflow,
            workflow,
            properties=properties,
            main=True,
            lang="snakemake",
            lang_version=last.versions["snakemake"],
        )
        definition["version"] = last.git_commit or last.versions["astromer"]
        steps = self._add_rules(definition, workflow)
        controls = [self._add_job(job, steps[job.rule]) for job in self.jobs]
        written = {file for job in self.jobs for file in job.outputs}
        run = self.crate.add_action(
            definition,
            "#run",
            object=[self._file(file) for file in self.checksums if file not in written],
            result=[self._file(file) for file in results],
            properties={"name": "Run of the workflow", **_times(self.jobs)},
        )
        engine = self._entity("#snakemake", "SoftwareApplication", name="Snakemake", url="https://snakemake.github.io")
        engine["softwareVersion"] = last.versions["snakemake"]
        organised = {"@type": "OrganizeAction", "name": "Run of the jobs by Snakemake", **_times(self.jobs)}
        execution = self.crate.add_action(engine, "#execution", object=controls, result=run, properties=organised)
        self.crate.root_dataset["mentions"] = [run, execution]

    def _add_rules(self, definition: Entity, workflow: str) -> dict[str, tuple[Entity, Entity]]:
        """Add each rule as a tool and as a step of the workflow; return both by name."""
        rules: dict[str, tuple[Entity, Entity]] = {}
        for job in self.jobs:
            if job.rule not in rules:
                tool = self._entity(f"#rule-{job.rule}", "SoftwareApplication", name=job.rule)
                tool["softwareVersion"] = job.versions["astromer"]
                step = self._entity(f"{workflow}#{job.rule}", "HowToStep", position=str(len(rules)), workExample=tool)
                rules[job.rule] = tool, step
        definition["hasPart"] = [tool for tool, _ in rules.values()]
        definition["step"] = [step for _, step in rules.values()]
        return rules

    def _add_job(self, job: Job, rule: tuple[Entity, Entity]) -> Entity:
        """Add one job, with the file that holds its parameters; return the action that stands for its execution."""
        tool, step = rule
        action = self.crate.add_action(
            tool,
            f"#job-{job.path}",
            object=[self._file(file) for file in job.inputs],
            result=[self._file(file) for file in job.outputs],
            properties={
                "name": str(job),
                "description": f"{job.data} data, {job.drawn}, commit {job.git_commit or 'unknown'}",
                **_times([job]),
            },
        )
        recorded = self.crate.add_file(self.folder / job.path, job.path, properties={"name": f"provenance of {job}"})
        recorded["encodingFormat"], recorded["about"] = "application/json", action
        control = {"@type": "ControlAction", "name": f"execution of {job}"}
        return self.crate.add_action(step, f"#control-{job.path}", object=action, properties=control)

    def _file(self, file: str) -> Entity:
        """Return the entity of a file; one that is not in the folder is described but not part of the crate."""
        is_part = not file.startswith("../") and (self.folder / file).exists()
        identifier = file if is_part else f"#file-{file.removeprefix('../')}"
        if known := self.crate.get(identifier):
            return known
        checksum = self.checksums[file]
        properties = {"name": Path(file).name, **({"sha256": checksum} if checksum else {})}
        if is_part:
            return self.crate.add_file(self.folder / file, file, properties=properties)
        return self._entity(identifier, "CreativeWork", **properties)

    def _entity(self, identifier: str, kind: str, **properties: object) -> Entity:
        return self.crate.add(ContextEntity(self.crate, identifier, properties={"@type": kind, **properties}))


def _times(jobs: Sequence[Job]) -> dict[str, str]:
    return {"startTime": min(job.started for job in jobs), "endTime": max(job.ended for job in jobs)}
