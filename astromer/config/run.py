"""The configuration of a whole run, and the references between its sections."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from astromer.config.application import Application
from astromer.config.datasets import Classification, Dataset, Role, Splits
from astromer.config.encoders import DEFAULT_WINDOW, AnyEncoder, ImportedEncoder, TrainedEncoder, Weights
from astromer.config.references import wrong_references
from astromer.config.section import DashedName, Key, Name, Section, Seed, describe, other_than
from astromer.config.surveys import AnySurvey, Download, Survey
from astromer.config.training import Devices, EncoderTraining, Finetuning, Masking, Pretraining
from astromer.errors import InputError


class Run(Section, defer_build=True):
    """A run of the workflow."""

    run: Annotated[DashedName, other_than("downloads")] = Field(
        description="Name of the run. All its results are written to `results/<run>/`."
    )
    seed: Seed = Field(42, description="Seed of all random numbers of the run.")
    surveys_dir: str = Field(
        "surveys",
        description="Folder that the `source` of each survey is relative to (itself relative to where snakemake runs).",
    )
    mirror: str | None = Field(
        None,
        description="Folder that is searched before a download (for a file of the same name with any packing).",
    )
    surveys: dict[Annotated[Name, other_than("wrong_period")], AnySurvey] = Field(
        min_length=1,
        description="Available surveys by name; only those that other sections name are read.",
    )
    splits: Splits = Field(Splits(), description="Identification of the same star when sets are drawn.")
    window: int = Field(
        DEFAULT_WINDOW,
        ge=2,
        description="Maximum number of observations per window; longer light curves are cut into several windows (200 "
        "in Sect. 3).",
    )
    masking: Masking = Field(Masking(), description="Masking of observations in pretraining (Sect. 3.1).")
    pretraining: Pretraining = Field(
        Pretraining(), description="Pretraining on light curves without labels; not needed for imported encoders."
    )
    encoders: Annotated[dict[Annotated[DashedName, other_than("features")], AnyEncoder], Field(min_length=1)] = Field(
        description="Encoders of the run by name; each is pretrained or imported from published weights, then "
        "finetuned for each dataset, fold and SPC."
    )
    weights: dict[DashedName, Weights] = Field(
        {}, description="Published weights that encoders may name; the known ones are in `config/weights.yaml`."
    )
    datasets: dict[Annotated[Name, other_than("audit", "counts", "pretraining")], Dataset] = Field(
        {},
        description="Labelled selections of a survey's objects, by name, in the order in which figures show them. "
        "Without any, a run can still embed its surveys.",
    )
    finetuning: Finetuning = Field(
        Finetuning(),
        description="Training of a pretrained encoder on a dataset, with the objective of pretraining (Sect. 4).",
    )
    classification: Classification = Field(
        Classification(), description="Training of heads on the frozen encoder and of baselines."
    )
    apply: Application = Field(
        Application(), description="Embeddings and class probabilities of every object of whole surveys."
    )
    devices: Devices = Field(
        Devices(), description="Precision, compilation and determinism; the defaults are the same for CPU and GPU."
    )

    @property
    def used_surveys(self) -> list[str]:
        """Surveys that the run learns from or tests on, in the order of their first use."""
        named = [*self.pretraining.surveys, *(dataset.survey for dataset in self.datasets.values())]
        return list(dict.fromkeys(named))

    @property
    def applied_surveys(self) -> list[str]:
        """Surveys whose objects are embedded and classified: those of `used_surveys` and of `apply.surveys`."""
        return list(dict.fromkeys([*self.used_surveys, *self.apply.surveys]))

    @property
    def applied(self) -> Application | None:
        """The section `apply` with defaults for null; None without datasets, where there is no classifier."""
        if not self.datasets:
            return None
        dataset = self.apply.dataset or next(iter(self.datasets))
        section = self.datasets.get(dataset)
        chosen = {
            "encoder": self.apply.encoder or next(iter(self.encoders)),
            "dataset": dataset,
            "spc": self.apply.spc or (max(section.spc) if section else None),
            "classifier": self.apply.classifier or next(iter(self.classification.on_encoders), None),
        }
        return self.apply.model_copy(update=chosen)

    @property
    def id_spaces(self) -> dict[str, str]:
        """Id space of each survey of the run that has one."""
        return self.id_spaces_of(self.used_surveys)

    def id_spaces_of(self, surveys: Iterable[str]) -> dict[str, str]:
        """Return the id space of each of these surveys that has one."""
        spaces = {name: self.surveys[name].id_space for name in surveys}
        return {name: space for name, space in spaces.items() if space is not None}

    @property
    def simulated_surveys(self) -> list[str]:
        """Surveys of the run whose stars are simulated, which figures and tables state, by name."""
        return self.simulated_behind(surveys=self.used_surveys)

    def simulated_behind(
        self, *, surveys: Iterable[str] = (), datasets: Iterable[str] = (), encoders: Iterable[str] = ()
    ) -> list[str]:
        """Return the simulated ones, by name, of these surveys and those behind these datasets and encoders.

        Behind a dataset is its survey. Behind an encoder are the surveys for pretraining; none, if it is imported.
        """
        learned = [] if self.imported_encoders.keys() >= set(encoders) else self.pretraining.surveys
        behind = {*surveys, *(self.datasets[name].survey for name in datasets), *learned}
        return [name for name in sorted(behind) if self.surveys[name].options.simulated]

    @property
    def doubtful_downloads(self) -> list[str]:
        """One sentence for each download of the run that anyone on the way could exchange or read."""
        sources = {f"surveys.{name}.source": self.surveys[name].source for name in self.applied_surveys}
        sources |= {
            f"weights.{encoder.weights}": self.weights[encoder.weights] for encoder in self.imported_encoders.values()
        }
        sentences = []
        for key, source in sources.items():
            if isinstance(source, Download) and source.sha256 is None and not source.content_digests:
                sentences.append(f"{key}: sha256 is null, so the content of {source.file} is not verified")
            if isinstance(source, Download | Weights) and (source.url or "").startswith("http://"):
                sentences.append(f"{key}: {source.url} is not encrypted; use https:// if the host offers it")
        return sentences

    @property
    def imported_encoders(self) -> dict[str, ImportedEncoder]:
        """Encoders with published weights."""
        return {name: encoder for name, encoder in self.encoders.items() if isinstance(encoder, ImportedEncoder)}

    @property
    def trained_encoders(self) -> list[str]:
        """Encoders that the run pretrains itself."""
        return [name for name in self.encoders if name not in self.imported_encoders]

    @property
    def star_lists(self) -> dict[str, Path | None]:
        """For each imported encoder the list of the stars that its weights learned from; None if it is not known."""
        return {name: self.weights_of(name).star_list for name in sorted(self.imported_encoders)}

    @property
    def summary_encoders(self) -> list[str]:
        """Trained encoders with the summary objective, whose targets are statistics of the light curves."""
        trained = {name: encoder for name, encoder in self.encoders.items() if isinstance(encoder, TrainedEncoder)}
        return [name for name, encoder in trained.items() if encoder.summary_weight]

    @property
    def summarised_surveys(self) -> list[str]:
        """Surveys whose stars get targets of the summary objective; those of datasets only if it is finetuned."""
        is_finetuned = not set(self.finetuned_encoders).isdisjoint(self.summary_encoders)
        return sorted(self.used_surveys if is_finetuned else self.pretraining.surveys)

    @property
    def finetuned_encoders(self) -> list[str]:
        """Encoders that are finetuned; the figures of single encoders show these."""
        return [name for name, encoder in self.encoders.items() if encoder.finetune]

    @property
    def recipes(self) -> dict[str, str]:
        """Name of the recipe of each trained encoder, in an ablation; empty if no two encoders share architecture v3.

        Encoders of one recipe differ in their seed alone; the first one names it.
        """
        trained = {name: encoder for name, encoder in self.encoders.items() if isinstance(encoder, TrainedEncoder)}
        contents = {name: (encoder.definition, self.training_of(name).plain()) for name, encoder in trained.items()}
        if sum(encoder.architecture == "v3" for encoder in trained.values()) < 2:
            return {}
        return {
            name: next(first for first, other in contents.items() if other == content)
            for name, content in contents.items()
        }

    def states_of(self, encoder: str) -> list[str]:
        """Return the states of an encoder on which heads are trained: `frozen`, and `finetuned` if configured."""
        return ["frozen", *(["finetuned"] if self.encoders[encoder].finetune else [])]

    def probed_states_of(self, encoder: str) -> list[str]:
        """Return the states of an encoder on which classical models are fitted: also, as a control, `wrong_period`."""
        section = self.encoders[encoder]
        reads_phase = section.phase if isinstance(section, TrainedEncoder) else self.architecture_of(encoder) == "v3"
        controlled = "wrong_period" in self.classification.controls and reads_phase
        return self.states_of(encoder) + (["wrong_period"] if controlled else [])

    def training_of(self, encoder: str) -> EncoderTraining:
        """Return how an encoder is pretrained."""
        section = self.encoders[encoder]
        own = section.training if isinstance(section, TrainedEncoder) else None
        return own or self.pretraining.training

    def seed_of(self, encoder: str) -> int:
        """Return the seed with which an encoder is pretrained."""
        section = self.encoders[encoder]
        own = section.seed if isinstance(section, TrainedEncoder) else None
        return self.seed if own is None else own

    @property
    def classifier_seeds(self) -> list[int]:
        """Seeds with which each classifier is trained."""
        return [self.seed + number for number in range(self.classification.seeds)]

    def summary_of(self, encoder: str) -> dict[str, Any]:
        """Describe an encoder for comparisons: architecture, definition of its shape, and whether it is untrained."""
        section = self.encoders[encoder]
        trained = isinstance(section, TrainedEncoder)
        return {
            "architecture": self.architecture_of(encoder),
            "definition": section.definition if trained else section.weights,
            "untrained": trained and self.training_of(encoder).epochs == 0,
        }

    def variant_of(self, encoder: str) -> str | None:
        """Return the variant to build for imported weights; those of the package record theirs."""
        return None if self.weights_of(encoder).packaged else self.imported_encoders[encoder].variant or "released"

    def survey_of(self, dataset: str) -> Survey:
        """Return the survey of a dataset."""
        return self.surveys[self.datasets[dataset].survey]

    def weights_of(self, encoder: str) -> Weights:
        """Return the published weights that an encoder imports."""
        return self.weights[self.imported_encoders[encoder].weights]

    def architecture_of(self, encoder: str) -> str:
        """Return the architecture of an encoder (`v1`, `v2` or `v3`); of an imported one, that of its weights."""
        section = self.encoders[encoder]
        return self.weights_of(encoder).architecture if isinstance(section, ImportedEncoder) else section.architecture

    def role_of(self, dataset: str) -> Role:
        """Return the configured role of a dataset; by default, whether its survey is used in pretraining."""
        section = self.datasets[dataset]
        learned_from = section.survey in self.pretraining.surveys
        return section.role or ("in-domain" if learned_from else "out-of-domain")


def read_run(
    content: Mapping[str, Any],
    files: Sequence[tuple[str, Mapping[str, Any]]] = (),
    overrides: tuple[str, Mapping[str, Any]] = ("", {}),
) -> Run:
    """Check the configuration of a run and fill in its defaults.

    Args:
        content: all sections, merged from all files.
        files: name and content of each file; later files override earlier ones.
        overrides: name and content of the keys that override all files.

    Raises:
        InputError: the message has one line per wrong key, with the file that sets it, or the last file if none does.
    """

    def origin_of(key: Key) -> str:
        depths = [(_depth(key, keys), number) for number, (_, keys) in enumerate(files)]
        depth, number = max(depths, default=(0, -1))
        overridden = _depth(key, overrides[1])
        return overrides[0] if overridden and overridden >= depth else files[number][0] if files else ""

    run = Run.read(content, origin_of)
    problems = [describe(origin_of(key), key, what) for key, what in wrong_references(run)]
    if problems:
        raise InputError("\n".join(problems))
    return run


def _depth(key: Key, content: Any) -> int:
    """Count the leading parts of a key that are in a file."""
    for depth, part in enumerate(key):
        try:
            content = content[part]
        except (KeyError, IndexError, TypeError):
            return depth
    return len(key)
