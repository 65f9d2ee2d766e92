# make repro    set up, run the whole loop, say what was made
# make test     set up, run every test
# make bench    every benchmark; make bench BENCH=repro runs one
# make lint     ruff and mypy
# make clean    remove the environment (data/, models/ and reports/ stay)

PYTHON ?= python3.11
BENCH ?=
BIN := .venv/bin

export FIFTYONE_DO_NOT_TRACK := true
export DVC_NO_ANALYTICS := true
# Activate the environment for what the recipes start: dvc runs its stages by name.
export PATH := $(CURDIR)/.venv/bin:$(PATH)

.PHONY: setup repro test bench lint clean
.NOTPARALLEL:

setup:
	@command -v $(PYTHON) >/dev/null || { \
	  echo "$(PYTHON) was not found: install Python 3.11, or name it: make $(MAKECMDGOALS) PYTHON=/path/to/python3.11" >&2; exit 2; }
	@$(PYTHON) -m dataengine.machine_setup

repro: setup
	@$(BIN)/dvc repro
	@$(BIN)/dataengine summary

test: setup
	@$(BIN)/python -m pytest -q

bench: setup
	@$(BIN)/python -m dataengine.bench $(BENCH)

lint: setup
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

clean:
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache
