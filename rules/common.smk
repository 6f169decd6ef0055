"""Helpers that rules of two stages or more use. Nothing here imports TensorFlow, Keras, polars or papermill."""

import hashlib
import json
from pathlib import Path

from snakemake.exceptions import WorkflowError


def check_references(config):
    """Raise where a section of the configuration names a survey or weights that are not configured."""
    named = {f"datasets.{name}.survey": dataset["survey"] for name, dataset in config["datasets"].items()}
    named |= {f"pretraining.surveys[{i}]": survey for i, survey in enumerate(config["pretraining"]["surveys"])}
    for key, survey in named.items():
        if survey not in config["surveys"]:
            known = ", ".join(sorted(config["surveys"]))
            raise WorkflowError(f"Config key {key}: there is no survey {survey!r}; the configured ones are {known}.")
    for ckpt in imported_checkpoints():
        weights, known = config["checkpoints"][ckpt]["weights"], ", ".join(sorted(config["weights"]))
        if weights not in config["weights"]:
            key = f"checkpoints.{ckpt}.weights"
            raise WorkflowError(f"Config key {key}: there are no weights {weights!r}; the configured ones are {known}.")


def used_surveys():
    """Surveys that the run reads, in the order of their first use."""
    named = [
        *config["pretraining"]["surveys"],
        *(dataset["survey"] for dataset in config["datasets"].values()),
    ]
    return list(dict.fromkeys(named))


def simulated_surveys():
    """Surveys of the run whose stars are simulated; figures and tables say so."""
    return [survey for survey in used_surveys() if config["surveys"][survey]["format"] == "simulated"]


def imported_checkpoints():
    """Checkpoints that are published weights."""
    return [name for name, encoder in config["checkpoints"].items() if "weights" in encoder]


def trained_checkpoints():
    """Checkpoints that the run pretrains itself."""
    return [name for name in config["checkpoints"] if name not in imported_checkpoints()]


def weights_of(ckpt):
    """The section of the weights that a checkpoint imports."""
    return config["weights"][config["checkpoints"][ckpt]["weights"]]


def architecture_of(ckpt):
    """`v1` or `v2`, also of a checkpoint that is imported."""
    section = weights_of(ckpt) if ckpt in imported_checkpoints() else config["checkpoints"][ckpt]
    return section["architecture"]


def any_of(names):
    """Constraint of a wildcard: one of the names, and no value at all where there are none."""
    return "|".join(names) or "(?!)"


def shards_of(survey):
    """Numbers of a survey's shards."""
    return range(config["surveys"][survey]["shards"])


def as_json(*keys):
    """Parameter function: a section of the configuration as one string, so that a script depends on that section only.

    A key such as `"{survey}"` stands for the wildcard of the job.
    """

    def section(wildcards):
        content = config
        for key in keys:
            content = content[key.format(**wildcards)]
        return json.dumps(content, sort_keys=True)

    return section


def scaled_mem_mb(base):
    """Resource function: `base` MiB on the first attempt, doubled on each retry."""

    def mem_mb(wildcards, attempt):
        return base * 2 ** (attempt - 1)

    return mem_mb


def scaled_runtime(base):
    """Resource function: `base` minutes on the first attempt, doubled on each retry."""

    def runtime_min(wildcards, attempt):
        return base * 2 ** (attempt - 1)

    return runtime_min


def package_digest(*modules):
    """Hash of the package's sources that a rule uses, so that editing them reruns the rule."""
    digest = hashlib.sha256()
    for module in modules:
        root = Path(workflow.basedir, "astromer", module)
        for file in [root] if root.is_file() else sorted(root.rglob("*.py")):
            digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def fold_and_spc(dataset):
    """All pairs of fold and SPC of a dataset."""
    return [
        (fold, spc)
        for fold in range(config["datasets"][dataset]["folds"])
        for spc in config["datasets"][dataset]["spc"]
    ]


def data_kind(survey):
    """Whether a survey's stars are `real` or `simulated`."""
    return "simulated" if survey in simulated_surveys() else "real"


# Formats in any part of which any object may stand (`Reader.scattered` in the package).
SCATTERED_FORMATS = ["macho", "table", "votimeseries"]

# What of the package the training stages use; editing any of it reruns them.
RECORDS_CODE = [
    "data/records.py",
    "data/parsing.py",
    "data/windows.py",
    "data/masking.py",
    "data/batches.py",
]
TRAINING_CODE = [*RECORDS_CODE, "models", "training"]
EXAMPLES_CODE = ["evaluation/examples.py", "evaluation/folding.py"]
CLASSIFIER_CODE = [*TRAINING_CODE, "evaluation/embeddings.py", "evaluation/scores.py"]


def classifier_files(filename):
    """`filename` of every head and baseline of every dataset, fold and SPC."""
    classification = config["classification"]
    models = [f"classify/{ckpt}/{{sets}}/{head}" for ckpt in config["checkpoints"] for head in classification["heads"]]
    models += [f"baseline/{{sets}}/{baseline}" for baseline in classification["baselines"]]
    return [
        f"<results>/{model}/{filename}".format(sets=f"{name}/fold{fold}/spc{spc}")
        for name in config["datasets"]
        for fold, spc in fold_and_spc(name)
        for model in models
    ]


def dump_path(survey):
    """Where a survey's dump is: in `surveys_dir`, or for one with an address in `mirror`, or where it is downloaded to."""
    source = config["surveys"][survey]["source"]
    if isinstance(source, str):
        return Path(config["surveys_dir"], source)
    stem = source["file"].split(".")[0]
    mirrored = sorted(Path(config["mirror"]).glob(f"{stem}.*")) if config["mirror"] else []
    return mirrored[0] if mirrored else Path("results/downloads", source["file"])


def dump_of(wildcards):
    """The dump as an input; none for a simulated survey. One that is missing is reported by the job that verifies it."""
    if wildcards.survey in simulated_surveys():
        return []
    dump = dump_path(wildcards.survey)
    return dump if dump.exists() or dump.parent == Path("results/downloads") else []


def catalog_of(wildcards):
    """The survey's catalogue as an input where it is a file beside the dump, not inside it."""
    survey = config["surveys"][wildcards.survey]
    catalog = survey.get(survey["format"], {}).get("catalog") or ""
    beside = dump_path(wildcards.survey).parent / catalog.removeprefix("../")
    return beside if catalog.startswith("../") and beside.exists() else []


def source_of_shard(wildcards):
    """What a shard is made from: all parts of the dump as `read_dump` has sorted them, or the dump itself."""
    survey = wildcards.survey
    if config["surveys"][survey]["format"] in SCATTERED_FORMATS:
        part = f"<results>/parquet/{survey}/raw/{{part}}"
        return {
            "observations": expand(f"{part}.parquet", part=shards_of(survey)),
            "objects": expand(f"{part}.objects.parquet", part=shards_of(survey)),
        }
    if survey in simulated_surveys():
        return {}
    receipt = f"<results>/parquet/{survey}/dump.json"
    return {"dump": dump_of(wildcards), "catalog": catalog_of(wildcards), "receipt": receipt}


def weights_file(wildcards):
    """The file of the weights that a checkpoint imports: in `mirror`, or where it is downloaded to."""
    file = weights_of(wildcards.ckpt)["file"]
    mirrored = Path(config["mirror"] or "", file)
    return mirrored if config["mirror"] and mirrored.exists() else Path("results/downloads", file)


def source_of_download(wildcards):
    """The configured source of a file that is downloaded."""
    sources = [survey.get("source") for survey in config["surveys"].values()] + list(config["weights"].values())
    return next(source for source in sources if isinstance(source, dict) and source["file"] == wildcards.file)


def survey_of(wildcards):
    """The survey of a dataset."""
    return config["datasets"][wildcards.dataset]["survey"]


def pretraining_records(subset):
    """Record files of one subset of all shards of the surveys that are learned from."""
    return [
        f"<results>/records/pretraining/{survey}/{shard}/{subset}.tfrecord"
        for survey in config["pretraining"]["surveys"]
        for shard in shards_of(survey)
    ]
