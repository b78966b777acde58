# Everything that this project does by itself. `make help` lists it; Python 3.11 or newer is all it needs.

PYTHON ?= python3
export PYTHON

SHELL := /bin/sh
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
.NOTPARALLEL:

run := .venv/bin/python -m
workers ?= 3

# $(call step,what it is,the command): a line before, and a line that names it if it fails.
step = @printf '\n── %s\n' '$(1)'; $(2) || { printf '\n*** failed: %s\n' '$(1)' >&2; exit 1; }

.PHONY: help
help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile

.PHONY: demo
demo: ## Plays the main job on embedded defaults and stays up; ONCE=1 ends with exit code 0 or 1
	@scripts/setup.sh run
	@$(run) contact_sync.cli demo $(if $(filter-out 0,$(ONCE)),--once)

.PHONY: test
test: lint ## Checks and tests all of it, with coverage
	$(call step,tests,$(run) pytest -n $(workers) --dist loadfile --no-loadscope-reorder --cov --cov-report=term $(ARGS))

.PHONY: test-browser
test-browser: setup-dev ## Tests the pages in a real Chromium (a system package: chromium)
	$(call step,pages in Chromium,$(run) pytest tests/browser $(ARGS))

.PHONY: lint
lint: setup-dev ## Style, types and the direction of imports
	$(call step,style (ruff),$(run) ruff check --quiet .)
	$(call step,format (ruff),$(run) ruff format --quiet --check .)
	$(call step,types (mypy),$(run) mypy)
	$(call step,imports (import-linter),.venv/bin/lint-imports --no-logo)

.PHONY: format
format: setup-dev ## Formats the code and mends what can be mended
	@$(run) ruff check --quiet --fix . ; $(run) ruff format .

.PHONY: bench
bench: setup-dev ## Measures; writes benchmarks/results.json. ARGS=--quick for a first look
	@$(run) benchmarks $(ARGS)

.PHONY: chaos
chaos: setup-dev ## Proves that nothing is lost while everything fails, for each delivery; minutes. ARGS=--help
	@$(run) tests.chaos $(ARGS)

.PHONY: clean
clean: ## Removes everything that was made here, .venv too
	@rm -rf .venv .coverage .coverage.* .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
	@rm -rf build dist *.egg-info benchmarks/results.json
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

.PHONY: setup-dev
setup-dev:
	@scripts/setup.sh dev
