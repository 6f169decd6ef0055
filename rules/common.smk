"""Helpers for the rules of two or more stages. Nothing here imports TensorFlow, Keras or papermill."""

from functools import cache
from pathlib import Path

from astromer.config.run import read_run
from astromer.errors import InputError
from astromer.imports import digest
from snakemake.common.configfile import load_configfile
from snakemake.exceptions import WorkflowError


def checked_run(content):
    """Check the run's configuration and fill in defaults; the error has one line per wrong key, with its file."""
    paths = [*workflow.configfiles, *workflow.overwrite_configfiles]
    files = [(os.path.relpath(path), load_configfile(path)) for path in paths]
    try:
        return read_run(content, files, ("--config", workflow.config_settings.config))
    except InputError as error:
        raise WorkflowError(f"The configuration is wrong:\n{error}") from None


RUN = checked_run(config)
config.update(RUN.model_dump(mode="json", by_alias=True))


@cache
def code_digest(script, *others):
    """Digest a rule's script, the stage that it calls, and all modules that these use, so that an edit reruns the rule.

    `others` are names of modules that come from the configuration.
    """
    root = Path(workflow.basedir)
    return digest(root / f"workflow_scripts/{script}.py", root, others)


@cache
def notebook_digest(notebook):
    """Digest of a notebook and all modules of the package that it uses."""
    return digest(notebook, Path(workflow.basedir))


@cache
def section_of(survey):
    """Return a survey's section without `description` and `citation`, so that editing these reruns no job."""
    return {k: v for k, v in RUN.surveys[survey].plain().items() if k not in ("description", "citation")}


def survey_section(wildcards):
    """Parameter function: the section of a survey, one object for all shards."""
    return section_of(wildcards.survey)


def metadata_of_run():
    """List the tables of objects of all surveys of the run, in an order that does not depend on the configuration's."""
    return expand("<results>/parquet/{survey}/metadata.parquet", survey=sorted(RUN.used_surveys))


def drawn_by(dataset):
    """Return the keys of a dataset that decide its sets."""
    return {name: value for name, value in dataset.plain().items() if name != "role"}


def tests_drawn_by(dataset):
    """Return the keys of a dataset that decide its test objects: of its SPC, only the largest."""
    return drawn_by(dataset) | {"spc": [max(dataset.spc)]}


def given_tables(datasets):
    """List the tables of those datasets whose sets are given."""
    return [Path(RUN.surveys_dir, RUN.datasets[name].sets) for name in datasets if RUN.datasets[name].sets]


def any_of(names):
    """Return the constraint of a wildcard: any of the names; without names, it matches nothing."""
    return "|".join(names) or "(?!)"


def shards_of(survey):
    """Return the numbers of a survey's shards."""
    return range(RUN.surveys[survey].shards)


def survey_of(wildcards):
    """Return the name of a dataset's survey."""
    return RUN.datasets[wildcards.dataset].survey


def classes_of(wildcards):
    """Return the classes of a dataset in the order of the labels."""
    return RUN.datasets[wildcards.dataset].classes


def data_of(wildcards):
    """Return `real` or `simulated`, according to the dataset's survey."""
    return "simulated" if survey_of(wildcards) in RUN.simulated_surveys else "real"


def simulated_of(wildcards):
    """Parameter function: the simulated surveys behind the survey, dataset and encoder of a job, for its provenance.

    A job of the whole run has `RUN.simulated_surveys` instead.
    """
    named = {f"{name}s": [wildcards[name]] for name in ("survey", "dataset", "encoder") if name in wildcards.keys()}
    return RUN.simulated_behind(**named)


def fold_of(wildcards):
    """Return the fold as a number."""
    return int(wildcards.fold)


def spc_of(wildcards):
    """Return the samples per class as a number."""
    return int(wildcards.spc)


def sets_of_datasets():
    """List dataset, fold and SPC of every set of training objects, in the order of the configuration."""
    return [
        (name, fold, spc)
        for name, dataset in RUN.datasets.items()
        for fold in range(dataset.folds)
        for spc in dataset.spc
    ]


def finetunings():
    """List encoder, dataset, fold and SPC of every finetuning."""
    return [
        {"encoder": encoder, "dataset": dataset, "fold": fold, "spc": spc}
        for encoder in RUN.finetuned_encoders
        for dataset, fold, spc in sets_of_datasets()
    ]


def files_of_finetuning(filename):
    """List the file `filename` of every finetuning."""
    folder = "<results>/finetune/{encoder}/{dataset}/fold{fold}/spc{spc}"
    return [f"{folder.format(**finetuning)}/{filename}" for finetuning in finetunings()]


def pretraining_records(subset):
    """List the record files of one subset of all shards of the surveys for pretraining."""
    return [
        f"<results>/records/pretraining/{survey}/{shard}/{subset}.tfrecord"
        for survey in RUN.pretraining.surveys
        for shard in shards_of(survey)
    ]


def summary_targets(wildcards):
    """Return the targets of the summary objective, for an encoder that has it."""
    return "<results>/features/targets.parquet" if wildcards.encoder in RUN.summary_encoders else []


def all_spc_of(wildcards):
    """Return all SPC of a dataset."""
    return RUN.datasets[wildcards.dataset].spc


def folds_of(wildcards):
    """Return all folds of a dataset."""
    return list(range(RUN.datasets[wildcards.dataset].folds))


def of_all_folds(path):
    """Input function: a path with `{fold}` for all folds of the dataset."""

    def paths(wildcards):
        return [path.format(**wildcards, fold=fold) for fold in folds_of(wildcards)]

    return paths


def of_all_sets(path):
    """Input function: a path with `{fold}` and `{spc}` for all SPC of all folds of the dataset."""

    def paths(wildcards):
        return [
            path.format(**wildcards, fold=fold, spc=spc)
            for fold in folds_of(wildcards)
            for spc in all_spc_of(wildcards)
        ]

    return paths


def embeddings_of(wildcards):
    """Return the embeddings of a dataset by an encoder in one of its states."""
    return f"<results>/embed/{wildcards.encoder}/{wildcards.dataset}/{wildcards.state}.parquet"


def head_sections(names):
    """Return the sections of heads with the widths of their layers, by name."""
    heads = RUN.classification.heads
    return {name: {**heads[name].plain(), "hidden_units": RUN.classification.hidden_units_of(name)} for name in names}


def head_modules(names):
    """List the modules of heads."""
    return [f"astromer.models.heads.{RUN.classification.heads[name].head}" for name in names]


def encoder_models_of(wildcards):
    """List the models of an encoder: the pretrained one, or the finetuned ones of all folds and SPC."""
    if wildcards.state == "frozen":
        return [f"<results>/pretrain/{wildcards.encoder}/model.weights.h5"]
    return of_all_sets("<results>/finetune/{encoder}/{dataset}/fold{fold}/spc{spc}/model.weights.h5")(wildcards)


def features_of(wildcards, folder=""):
    """Return the features of all shards of a dataset's survey, as a list."""
    survey = survey_of(wildcards)
    return [f"<results>/features/{folder}{survey}/{shard}.parquet" for shard in shards_of(survey)]


def classifier_folders():
    """Return the folders of the results of all classifiers, each with the encoder, state and dataset of these."""
    sections = RUN.classification
    folders = {}
    for dataset in RUN.datasets:
        for encoder in RUN.encoders:
            states, probed = RUN.states_of(encoder), RUN.probed_states_of(encoder)
            kinds = {
                "heads": states if sections.frozen_heads else [],
                "end_to_end": states if sections.joined_heads else [],
                "probes": probed if sections.probe_models else [],
            }
            for kind, state in [(kind, state) for kind, states in kinds.items() for state in states]:
                source = {"encoder": encoder, "state": state, "dataset": dataset}
                folders[f"classify/{encoder}/{state}/{dataset}/{kind}"] = source
        without = {"encoder": None, "state": None, "dataset": dataset}
        folders |= {f"classify/features/{dataset}": without} if sections.control_models else {}
        folders |= {f"baseline/{dataset}": without} if sections.baselines else {}
    return folders


def classifier_files(filename):
    """Input function: the file `filename` of the results of all classifiers."""

    def files(wildcards):
        if not RUN.datasets:
            raise WorkflowError("There is nothing to classify: the run has no dataset.")
        return [f"<results>/{folder}/{filename}" for folder in classifier_folders()]

    return files


def tags_of(wildcards):
    """Parameter function: columns that identify the scores of the classifiers of a job."""
    return {
        "run": RUN.run,
        "encoder": wildcards.get("encoder"),
        "state": wildcards.get("state"),
        "dataset": wildcards.dataset,
        "data": data_of(wildcards),
    }


def of_applied_shards(folder):
    """List the Parquet files in a folder of all shards of the surveys to which encoders and classifier are applied."""
    return [f"{folder}/{survey}/{shard}.parquet" for survey in RUN.applied_surveys for shard in shards_of(survey)]


def score_files():
    """List the scores of the reconstruction; imported encoders have none in a run without surveys for pretraining."""
    return [f"<results>/pretrain/{encoder}/scores.csv" for encoder in RUN.encoders if RUN.pretraining.surveys]


def reported_files():
    """List the figures and tables of the report, which are those of the targets `figures` and `tables`."""
    figures = [path for figure in FIGURES for path in figure_files(figure) if path.endswith(".png")]
    of_datasets = [
        "<results>/tables/claims.csv",
        "<results>/tables/main.csv",
        "<results>/tables/ablation.csv",
        "<results>/tables/controls.csv",
        "<results>/tables/confusion.csv",
        "<results>/tables/finetuning.csv",
        "<results>/tables/metrics.csv",
        "<results>/splits/counts.csv",
        "<results>/splits/audit.csv",
    ]
    of_surveys = [
        f"<results>/parquet/{survey}/{table}.csv" for survey in RUN.applied_surveys for table in ("quality", "examples")
    ]
    return [*figures, *(of_datasets if RUN.datasets else []), *of_surveys, *score_files()]


def summary_of_results():
    """Return the message that is printed at the end of a run."""
    results = Path("results", RUN.run)
    places = {
        "figures": results / "figures",
        "tables": results / "tables",
        "report": results / "report.html",
    }
    lines = [f"  {name:8} {path}" for name, path in places.items() if path.exists()]
    return "\n".join([f"Run {RUN.run!r} has ended. Its results:", *lines])
