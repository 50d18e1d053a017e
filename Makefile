# `make` or `make help` lists what there is.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check -q
CLIENT ?= examples/clients/family-us.yaml
LOCK    = $(BIN)/uv pip compile -q --python-version 3.11 --no-emit-package fiducia-client --overrides locks/no-cuda.txt \
          --custom-compile-command "make locks"

.DEFAULT_GOAL := help
.PHONY: help advise test check format protos locks up bench-optimizer bench-retrieval install install-dev clean

help: ## list the targets
	@grep -hE '^[a-zA-Z_-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

advise: install ## make a proposal for CLIENT (an example by default) with all services and a real model
	@$(BIN)/fiducia advise $(CLIENT)

up: install ## start the services and keep them running until Ctrl-C
	@$(BIN)/fiducia up

test: install-dev ## run every test, those that start real processes included
	@$(BIN)/pytest

check: install-dev ## style, types, import rules, contract lint, fresh stubs
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy shared services benchmarks protos/generate.py
	$(BIN)/lint-imports
	$(BIN)/python protos/generate.py check

format: install-dev ## format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

protos: install-dev ## rewrite the stubs from the .proto files
	$(BIN)/python protos/generate.py write

locks: install-dev ## resolve the dependencies again, keeping locked versions where they still fit
	$(LOCK) protos/pyproject.toml -o locks/client.txt
	$(LOCK) --extra all pyproject.toml -o locks/services.txt
	$(LOCK) --extra all --group dev pyproject.toml -o locks/dev.txt

bench-optimizer: install-dev ## measure the optimizer against libraries and raw solvers, and served (25 minutes)
	@$(BIN)/python -m benchmarks.optimizer
	@$(BIN)/python -m benchmarks.optimizer.tails
	@$(BIN)/python -m benchmarks.optimizer.positions
	@$(BIN)/python -m benchmarks.optimizer.served

bench-retrieval: install-dev ## measure search quality, speed and scale beside three engines (an hour)
	@$(BIN)/python -m benchmarks.retrieval
	@$(BIN)/python -m benchmarks.retrieval.speed
	@$(BIN)/python -m benchmarks.retrieval.encoders
	@$(BIN)/python -m benchmarks.retrieval.scale --sizes 10000,100000,1000000

install: $(VENV)/.services ## install the services into .venv
install-dev: $(VENV)/.dev ## install the services and the development tools into .venv

clean: ## remove the environment and caches of the checkout
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Fiducia needs Python 3.11 or newer; name one with make PYTHON=…"; exit 1; }
	@echo "Creating $(VENV) …"
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.services: locks/services.txt pyproject.toml protos/pyproject.toml | $(VENV)/bin/python
	@echo "Installing the services (about 1.6 GB on disk, once; a few minutes) …"
	@$(PIP) install -r locks/services.txt
	@$(PIP) install --no-deps -e protos -e .
	@touch $@

$(VENV)/.dev: locks/dev.txt $(VENV)/.services
	@echo "Installing the development tools …"
	@$(PIP) install -r locks/dev.txt
	@touch $@
