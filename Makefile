# make demo: set up and run the miniature of the paper.  make test: run every check.  Both need Python 3.11 and make.
PYTHON ?= python3.11
LOCK ?= envs/cpu.lock
BIN := .venv/bin
CORES ?= all
SHELL := /bin/sh
FAST := $(addprefix tests/unit/,config splits surveys test_environment.py test_files.py test_imports.py)
.DELETE_ON_ERROR:
.PHONY: demo test quick lint types site fast unit workflow test-slurm test-images coverage docs lock clean

demo: .venv/installed
	$(BIN)/snakemake --cores $(CORES)

# Every check that continuous integration runs, two at a time; the last is short, so that both end together.
test: .venv/installed
	$(MAKE) --jobs=2 --output-sync=target lint types site unit workflow fast

# What to run before a commit: lint, types, and the tests that need neither TensorFlow nor a run of the workflow.
quick: .venv/installed
	$(MAKE) --jobs=2 --output-sync=target lint types fast

lint: .venv/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile rules
	$(BIN)/snakemake --lint
	$(BIN)/nbstripout --keep-id --verify notebooks/*.ipynb
	$(BIN)/codespell

types: .venv/installed
	$(BIN)/pyrefly check

# The documentation, in site/; a broken link is an error.
site: .venv/installed
	$(BIN)/zensical build --clean --strict --config-file zensical.toml

fast: .venv/installed
	$(BIN)/python -m pytest --numprocesses=2 $(FAST)

# The unit tests that `fast` leaves.
unit: .venv/installed
	$(BIN)/python -m pytest $(filter-out $(FAST),$(wildcard tests/unit/[a-z]*))

workflow: .venv/installed
	$(BIN)/python -m pytest tests/workflow tests/slurm

# Runs on a SLURM cluster of this machine: as root on Debian; elsewhere skipped, with the reason. The shorter half of it is
# part of `test` in GitHub Actions, where these run as root.
test-slurm: .venv/installed
	ASTROMER_TEST_SLURM=1 $(BIN)/python -m pytest -rs tests/slurm

# Builds the images of envs/, as far as this machine can; the rest is skipped, with the reason. Not part of `test`.
test-images: .venv/installed
	ASTROMER_TEST_IMAGES=1 $(BIN)/python -m pytest -rs tests/images

# Which lines of the package no unit test reaches.
coverage: .venv/installed
	$(BIN)/python -m pytest --cov --cov-report=term-missing:skip-covered tests/unit

# What is generated: the schema of the configuration and the table of its keys, and the page of figures.
docs: .venv/installed
	$(BIN)/python config/write_docs.py

# The environment is rebuilt when the lock changes; --require-hashes refuses any file that differs from the lock's.
.venv/installed: $(LOCK)
	$(PYTHON) -m venv --clear .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(LOCK)
	@touch $@

# Resolve the locks again from pyproject.toml, and the conda environment's versions with them (needs uv).
COMPILE := uv pip compile pyproject.toml --universal --no-strip-extras --python-version 3.11 --generate-hashes --quiet
lock:
	$(COMPILE) --extra cpu --extra workflow --extra dev --output-file envs/cpu.lock
	$(COMPILE) --extra gpu --extra workflow --extra dev --output-file envs/gpu.lock
	$(PYTHON) envs/write_conda.py

clean:
	rm -rf .venv .snakemake
