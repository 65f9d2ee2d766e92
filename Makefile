# make repro    set up, run the whole loop, show what was made
# make test     set up, run every test
# make doctor   show what this machine has and what will be used; sets nothing up
# make bench    every benchmark; make bench BENCH=repro runs one
# make lint     ruff and mypy
# make clean    remove both environments (data/, models/ and reports/ stay)

# The first of 3.11, 3.12 and 3.13 that runs. Rendering also needs python3.11, for .venv-blender
PYTHON ?= $(shell for python in python3.11 python3.12 python3.13; do \
  $$python -c "" 2>/dev/null && { echo $$python; exit; }; done; echo python3.11)
BENCH ?=

export FIFTYONE_DO_NOT_TRACK := true
export DVC_NO_ANALYTICS := true
# Activates the environment: dvc starts the stages by the names of their commands.
# Not exported: set-up must not run on an interpreter inside the environment that it may have to make again.
ACTIVATED := PATH="$(CURDIR)/.venv/bin:$$PATH"

.PHONY: setup repro test doctor bench lint clean
.NOTPARALLEL:

setup:
	@command -v $(PYTHON) >/dev/null || { \
	  echo "$(PYTHON) was not found: install Python 3.11 (3.12 and 3.13 work for everything but rendering), or name it: make $(MAKECMDGOALS) PYTHON=/path/to/python3.11" >&2; exit 2; }
	@$(PYTHON) -m dataengine.environments.machine_setup

repro: setup
	@$(ACTIVATED) dataengine prepare-body --cache data/cache/anny
	@$(ACTIVATED) dvc repro
	@$(ACTIVATED) dataengine summary

# bytecode is kept, whatever the user's setting: the tests start the command line hundreds of times
test: setup
	@$(ACTIVATED) PYTHONDONTWRITEBYTECODE= python -m pytest -q -n logical --maxprocesses 4 --dist loadfile --no-loadscope-reorder

doctor:
	@if test -x .venv/bin/dataengine; then .venv/bin/python -m dataengine doctor; else $(PYTHON) -m dataengine.doctor; fi

bench: setup
	@$(ACTIVATED) python -m dataengine.bench $(BENCH)

lint: setup
	@$(ACTIVATED) ruff check .
	@$(ACTIVATED) ruff format --check .
	@$(ACTIVATED) mypy

clean:
	rm -rf .venv .venv-blender .mypy_cache .pytest_cache .ruff_cache
