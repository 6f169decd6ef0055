"""Figures and tables -> Snakemake's HTML report."""

import subprocess
import sys

from _entry import logged

with logged(snakemake.log[0]):
    command = ["--snakefile", snakemake.params.snakefile, "--configfile", snakemake.input.config, "--nolock"]
    command += ["--report", snakemake.output.report, "--", "figures", "tables"]
    subprocess.run([sys.executable, "-m", "snakemake", *command], check=True)
