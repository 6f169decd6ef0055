"""ASTROMER 2, from raw survey dumps to every figure and table. What to type is in README.md."""

import shlex
import sys

from snakemake.utils import min_version, validate

min_version("9.27")

# Snakemake puts the path of Python unquoted into shell commands (snakemake/snakemake#2645): mind a space in it.
sys.executable = shlex.quote(sys.executable)


inputflags:
    access.sequential,


# A run's configuration is complete by itself: the default one is read only where none is given.
if "run" not in config:

    configfile: f"{workflow.basedir}/config/config.yaml"


configfile: f"{workflow.basedir}/config/surveys.yaml"
configfile: f"{workflow.basedir}/config/weights.yaml"


validate(config, "config/schemas/config.schema.yaml")


report: "rules/captions/workflow.rst"


pathvars:
    results=f"results/{config['run']}",
    logs=f"results/{config['run']}/logs",
    benchmarks=f"results/{config['run']}/benchmarks",


wildcard_constraints:
    survey="|".join(config["surveys"]),
    shard=r"\d+",
    ckpt="|".join(config["checkpoints"]),
    dataset="|".join(config["datasets"]),
    fold=r"\d+",
    spc=r"\d+",
    head="|".join(config["classification"]["heads"]),
    baseline="|".join(config["classification"]["baselines"]),


include: "rules/common.smk"


check_references(config)


include: "rules/outputs.smk"
include: "rules/ingest.smk"
include: "rules/split.smk"
include: "rules/records.smk"
include: "rules/pretrain.smk"
include: "rules/weights.smk"
include: "rules/finetune.smk"
include: "rules/classify.smk"
include: "rules/figures.smk"
include: "rules/models.smk"
include: "rules/report.smk"
include: "rules/collect.smk"


rule all:
    """Make every figure, every table and the report."""
    default_target: True
    input:
        rules.figures.input,
        rules.tables.input,
        rules.report.input,


onsuccess:
    print(summary_of_results())


onerror:
    print(f"A job failed: its log lies under results/{config['run']}/logs/, the last lines are shown above.")
