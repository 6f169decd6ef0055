"""ASTROMER 2, from raw survey dumps to every figure and table. README.md lists the commands."""

import os
import shlex
import sys
from pathlib import Path

from snakemake.utils import min_version

min_version("9.27")

# Snakemake puts the path of Python unquoted into shell commands (snakemake/snakemake#2645), where a space would break it.
sys.executable = shlex.quote(sys.executable)
# The rules import `astromer` and `workflow_scripts`; Snakemake does not put the folder of this file on the path.
sys.path.insert(0, str(workflow.basedir))

from workflow_scripts._slurm import prepare_environment

prepare_environment(Path(workflow.basedir))


inputflags:
    access.sequential,


# A run's configuration is complete by itself: the default one is read only where none is given.
if not workflow.overwrite_configfiles:

    configfile: f"{workflow.basedir}/config/config.yaml"


configfile: f"{workflow.basedir}/config/surveys.yaml"
configfile: f"{workflow.basedir}/config/weights.yaml"


# Used with `--sdm apptainer`; envs/astromer.def describes how to build it. Relative to the working directory, because
# Snakemake rejects a path that contains a space.
container: "envs/astromer.sif"


include: "rules/common.smk"
include: "rules/failures.smk"
include: "rules/sizes.smk"


pathvars:
    results=f"results/{RUN.run}",
    logs=f"results/{RUN.run}/logs",
    benchmarks=f"results/{RUN.run}/benchmarks",


wildcard_constraints:
    survey="|".join(RUN.surveys),
    shard=r"\d+",
    encoder="|".join(RUN.encoders),
    dataset=any_of(RUN.datasets),
    fold=r"\d+",
    spc=r"\d+",
    state="frozen|finetuned|wrong_period",


include: "rules/dumps.smk"
include: "rules/application.smk"
include: "rules/figure_inputs.smk"
include: "rules/figure_table.smk"
include: "rules/ingest.smk"
include: "rules/split.smk"
include: "rules/records.smk"
include: "rules/features.smk"
include: "rules/pretrain.smk"
include: "rules/finetune.smk"
include: "rules/embed.smk"
include: "rules/classify.smk"
include: "rules/ablation.smk"
include: "rules/apply.smk"
include: "rules/tables.smk"
include: "rules/figures.smk"
include: "rules/report.smk"
include: "rules/collect.smk"


rule all:
    """Make every figure, every table, the report and the crate; without datasets, the embeddings and tables of surveys."""
    default_target: True
    input:
        [] if RUN.datasets else rules.embeddings.input,
        rules.figures.input,
        rules.tables.input,
        [*rules.results.input, *rules.report.input, *rules.crate.input] if RUN.datasets else [],


sizes_in_messages([each for each in workflow.rules if each.message])


onstart:
    # For its default limit of 100 jobs a second, Snakemake keeps a timer for each job that has ended, which wakes the
    # scheduler every second (snakemake/snakemake#3744). The default is removed; a limit that the user gives stays.
    limit = workflow.scheduling_settings.max_jobs_per_timespan
    if (limit.max_jobs, limit.timespan) == (100, 1):
        workflow.scheduler.job_rate_limiter = None
    for sentence in RUN.doubtful_downloads:
        print(f"Warning: {sentence}", file=sys.stderr)


onsuccess:
    print(summary_of_results())


onerror:
    print(f"\n{summary_of_failures()}\n", file=sys.stderr)
