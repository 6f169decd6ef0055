# make demo: set up and run the miniature of the paper.  make test: run every check.  Both need Python 3.11 and make.
PYTHON ?= python3.11
LOCK ?= envs/cpu.lock
BIN := .venv/bin
CORES ?= all
SHELL := /bin/sh
.DELETE_ON_ERROR:
.PHONY: demo test lint unit workflow lock clean

demo: .venv/installed
	$(BIN)/snakemake --cores $(CORES)

test: lint
	$(MAKE) --jobs=2 unit workflow

lint: .venv/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile rules
	$(BIN)/snakemake --lint
	$(BIN)/nbstripout --keep-id --verify notebooks/*.ipynb

unit: .venv/installed
	$(BIN)/python -m pytest tests/unit

workflow: .venv/installed
	$(BIN)/python -m pytest tests/workflow

# The environment is made anew when the lock changes; --require-hashes refuses any file that differs from the lock's.
.venv/installed: $(LOCK)
	$(PYTHON) -m venv --clear .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(LOCK)
	@touch $@

# Resolve the locks anew, and the conda environment's versions with them (needs uv).
lock:
	cd envs && uv pip compile cpu.in --universal --python-version 3.11 --generate-hashes --quiet --output-file cpu.lock
	cd envs && uv pip compile gpu.in --universal --python-version 3.11 --generate-hashes --quiet --output-file gpu.lock
	$(PYTHON) envs/write_conda.py

clean:
	rm -rf .venv .snakemake
