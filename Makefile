# `make run` and `make test` need Python 3.11+ and make; everything else is installed into .venv.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# ENCODERS=no leaves out torch, sentence-transformers and Spark: the default model needs none of them.
ENCODERS ?= yes

LOCKS := -r requirements.lock $(if $(filter yes,$(ENCODERS)),-r requirements-encoders.lock)

.PHONY: run test install check lint types imports results bench screens mlflow audit lock clean

run: install  ## Fit the starter model if there is none, then serve on 127.0.0.1:8109
	@echo "[4/5] starter model"
	@$(BIN)/triage-train starter
	@echo "[5/5] service"
	@exec $(BIN)/triage serve

install: $(VENV)/installed  ## Make .venv and install what the lock files pin

$(VENV)/installed: requirements.lock requirements-encoders.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed")'
	@echo "[1/5] virtual environment"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "[2/5] packages (some 150; two minutes or so)"
	@$(BIN)/pip install --disable-pip-version-check --no-input --progress-bar off $(LOCKS) \
	    | sed -nu 's/^Collecting \([^ ]*\).*/      \1/p; s/^Installing collected.*/      installing/p'
	@echo "[3/5] appeal-triage"
	@$(BIN)/pip install --disable-pip-version-check --quiet --no-deps --no-build-isolation -e .
	@touch $@

test: install  ## Run the tests, on as many cores as there are
	@$(BIN)/pytest --numprocesses auto --dist loadfile

check: install lint types imports test  ## All that CI checks

lint: install
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: install
	@$(BIN)/mypy

imports: install
	@$(BIN)/lint-imports

# make results SUITES="kursk folds" measures these again and keeps what it has of the others.
SHARED ?= ../shared
SUITES ?= kursk cross-lingual voices folds sib200
ENCODERS_MEASURED ?= static $(wildcard $(SHARED)/models/e5-small-cyrillic)

results: install  ## Measure again, and bring README's figures up to date: half an hour
	@$(BIN)/triage-train benchmark --shared $(SHARED)/data \
	    $(foreach name,$(ENCODERS_MEASURED),--encoder $(name)) $(foreach name,$(SUITES),--suite $(name))
	@$(BIN)/triage-train report

bench: install  ## Measure speed again, a quarter of an hour: docs/performance.md
	@$(BIN)/pytest -m soak tests/benchmarks/test_classify_speed.py

screens: install  ## Take pictures of the pages anew, for README: needs Debian's chromium
	@$(BIN)/python tests/screens.py docs/screens

mlflow: install  ## Open MLflow's own pages on the local registry
	@$(BIN)/mlflow ui --backend-store-uri sqlite:///$(CURDIR)/var/mlflow.db

# torch is pinned by its plain release, without the CUDA packages of one build of it, so that a
# machine that holds a CPU build uses that one.
COMPILE := $(BIN)/uv pip compile pyproject.toml --quiet --universal --python-version 3.11 \
    --no-header --annotation-style line

audit: install  ## Ask for known vulnerabilities of what is pinned: needs pypi.org
	@$(BIN)/uv tool run pip-audit --strict --no-deps --disable-pip \
	    -r requirements.lock -r requirements-encoders.lock

lock: install  ## Pin the newest versions that pyproject.toml allows
	@$(COMPILE) --upgrade --extra dev -o requirements.lock
	@{ echo "torch==2.13.0"; \
	   $(COMPILE) --extra encoders --extra onnx --extra benchmark --extra spark -c requirements.lock | sed 's/ *#.*//' \
	       | grep -vE '^(torch|triton|nvidia-|cuda-|setuptools)' \
	       | grep -vxFf <(sed 's/ *#.*//' requirements.lock); } > requirements-encoders.lock

clean:
	@rm -rf $(VENV) var .mypy_cache .ruff_cache .pytest_cache
