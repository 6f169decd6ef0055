"""Sets of objects -> a table of all boundaries, or an error that names the leaks."""

from _entry import run

run(snakemake, "astromer.stages.audit", "audit_splits")
