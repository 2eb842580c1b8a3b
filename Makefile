# `make help` lists the targets. Everything happens in this folder: .venv, .work, data, rounds, mlflow.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help setup demo-data up down cycle repro rounds ui doctor test smoke chaos check format bench bench-verification audit clean

PYTHON ?= python3
# Relative, as make takes a path with a space for two targets; programs that are looked up need it whole.
VENV ?= .venv
ifndef SEED
  SEED := $(shell echo $$RANDOM)
endif
ifneq ($(words $(VENV)),1)
  $(error VENV is "$(VENV)"; make cannot use a path with a space, so name another folder)
endif
# Environments take no colon and no quote in their path, DVC no brace, databases none of the others.
HASH := \#
UNFIT := $(strip $(foreach sign,$(HASH) % ? : " $$ \ ` { },$(findstring $(sign),$(CURDIR))))
ifneq ($(UNFIT),)
  $(error The path of this folder has $(UNFIT) in it, which not all programs used here take; rename or move it)
endif
BIN := $(VENV)/bin
# Stage commands of dvc.yaml say `video-star`, so the environment's programs come first.
export PATH := $(if $(filter /%,$(VENV)),,$(CURDIR)/)$(BIN):$(PATH)
export DVC_NO_ANALYTICS := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(VENV)/.installed demo-data ## environment and demo data (whatever is missing)

$(VENV)/.installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "error: $(PYTHON) is older than Python 3.11; use make PYTHON=python3.12 (or another) instead." >&2; exit 2; }
	@echo "installing into $(VENV) (several minutes the first time)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	@touch $@

# Rendered beside and moved into place, so that an interrupted run leaves no half data set. `dvc add`
# hashes it into the cache; the committed data.dvc must come out as it was.
demo-data: $(VENV)/.installed
	@if [ ! -e data ]; then \
	  rm -rf .work/data.part && mkdir -p .work && \
	  $(BIN)/video-star demo data .work/data.part && mv .work/data.part data; \
	  recorded=$$(cat data.dvc 2>/dev/null || true); \
	  $(BIN)/dvc add --quiet data; \
	  if [ -n "$$recorded" ] && [ "$$recorded" != "$$(cat data.dvc)" ]; then \
	    printf '%s\n' "$$recorded" > data.dvc; \
	    echo "error: the rendered data differ from data.dvc; run make doctor." >&2; exit 1; \
	  fi; \
	elif $(BIN)/dvc status data.dvc | grep -q modified; then \
	  echo "note: data/ is not what data.dvc records; 'dvc add data' records yours, removing data/ renders the demo."; \
	fi

up: setup ## start Prefect (server, worker, deployment) and MLflow, on loopback
	@$(BIN)/video-star up

down: ## stop them
	@test -x $(BIN)/video-star && $(BIN)/video-star down || echo "nothing is installed, so nothing runs"

cycle: setup ## all rounds through Prefect, live, then the table (ROUNDS=2, UNTIL=verify, FORCE=verify@r1, PRESET=presets/24gb.yaml)
	@$(if $(PRESET),$(BIN)/video-star preset "$(PRESET)")
	@$(BIN)/video-star cycle $(ROUNDS) $(UNTIL:%=--until %) $(FORCE:%=--force %)

repro: setup ## the same rounds with plain DVC, no server
	@$(BIN)/dvc repro

rounds: setup ## the table of rounds
	@$(BIN)/video-star rounds

ui: up ## the MLflow page that shows the rounds side by side
	@$(BIN)/python -m video_star.services.addresses

doctor: $(VENV)/.installed ## what is wrong with this installation, and how to fix it
	@$(BIN)/video-star doctor

# More files at a time than two cores can take, with one thread each: many tests wait for processes.
# Those read compiled modules, also where the environment says that none be written.
test: setup ## all tests
	@PYTHONDONTWRITEBYTECODE= OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses 3 --dist loadfile --no-loadscope-reorder

smoke: $(VENV)/.installed ## every step on tiny clips and the pipeline around them, in a minute
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest tests/steps tests/pipeline -m "not slow and not gpu" --numprocesses 2 --dist loadfile

chaos: setup ## break everything on purpose and write docs/faults.md (SEED=7, ONLY="dvc and kill")
	@rm -rf .work/chaos && mkdir -p .work/chaos && echo "seed $(SEED)"
	@VIDEO_STAR_CHAOS_SEED=$(SEED) VIDEO_STAR_CHAOS_SEEN=$(CURDIR)/.work/chaos OMP_NUM_THREADS=1 \
	  $(BIN)/python -m pytest -v tests/faults/test_faults.py -m "chaos or not chaos" -k "$(ONLY)" || failed=1; \
	$(if $(ONLY),,$(BIN)/python tests/faults/fault_page.py .work/chaos $(SEED);) exit $${failed:-0}

check: $(VENV)/.installed ## ruff and mypy --strict
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

format: $(VENV)/.installed ## let ruff put the code in shape
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: $(VENV)/.installed ## speed and memory into benchmarks/RESULTS.md (ONLY="frames memory"; VIDEO_STAR_REAL_DATA)
	@OMP_NUM_THREADS=1 $(BIN)/python benchmarks/results.py $(ONLY)

bench-verification: $(VENV)/.installed ## how right verification is on real models' answers (VIDEO_STAR_REAL_DATA)
	@$(BIN)/python benchmarks/real_answers.py

# In an environment of its own, so that auditing changes nothing that is audited.
audit: $(VENV)/.installed ## known vulnerabilities of all installed packages (asks PyPI)
	@test -x .work/audit/bin/pip-audit || { $(PYTHON) -m venv .work/audit && .work/audit/bin/pip install --quiet pip-audit; }
	@$(BIN)/python -m pip freeze --exclude-editable > .work/audit/installed.txt
	@.work/audit/bin/pip-audit --requirement .work/audit/installed.txt --no-deps --disable-pip --strict

clean: down ## remove scratch and caches (not data, rounds or the MLflow store)
	@rm -rf .work
