# What one types. Each target sets up what it needs first; nothing has to be installed but
# Python 3.11 or newer and make. Options go through ARGS: make demo ARGS=--json

PYTHON ?= python3
BIN := .venv/bin
ARGS ?=
ERP ?=
# A test waits for other processes about half of its time: three keep two processors busy. The slow
# ones have many processes of their own.
WORKERS ?= 3
SLOW_WORKERS ?= 2

# Processes start here by the hundred: what Python compiles is kept, whatever the shell says.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo up worker test browser check lint format faults lock setup setup-dev clean

help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## /\1	/p' $(MAKEFILE_LIST) | expand -t 12

demo: setup ## run the main job on a made-up firm, with faults, and prove it (ERP=tryton: on a real ERP)
	@$(BIN)/fairlead demo $(if $(ERP),--erp $(ERP)) $(ARGS)

up: setup ## serve: API, workers and the database (FAIRLEAD_PORT, FAIRLEAD_DATA)
	@$(BIN)/fairlead up $(ARGS)

worker: setup ## one more worker on the same database
	@$(BIN)/fairlead worker $(ARGS)

test: setup-dev ## everything that must be green: lint, types, rooms, then the tests, slow ones last
	@$(BIN)/python tests/connectors/tryton_office.py >/dev/null 2>&1 & # the slow tests will need it
	@$(MAKE) --no-print-directory lint
	@$(BIN)/pytest -n $(WORKERS) --dist loadscope --no-loadscope-reorder -m "not slow" $(ARGS)
	@$(BIN)/pytest -n $(SLOW_WORKERS) --dist loadscope --no-loadscope-reorder -m "slow and not browser" $(ARGS)
	@$(MAKE) --no-print-directory browser

browser: setup-dev ## the pages in Chromium, as people use them (skipped, with a word, where there is none)
	@scripts/chromium >/dev/null || true
	@$(BIN)/pytest -rs -m browser $(ARGS)

check: setup-dev ## the tests of one place: make check ARGS=tests/store
	@$(BIN)/pytest $(ARGS)

faults: setup-dev ## kill workers at every point, in storms, and count what happened twice
	@FAULTS=all $(BIN)/pytest tests/faults -s $(ARGS)

lint: setup-dev ## format, rules, types and the arrows between the rooms
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/pyright --warnings src tests
	@$(BIN)/lint-imports --no-cache

format: setup-dev ## put the code in shape
	@$(BIN)/ruff format --quiet .
	@$(BIN)/ruff check --quiet --fix .

lock: ## write the lock files again after pyproject.toml has changed
	@scripts/lock $(ARGS)

clean: ## remove what was made, but not the data directory
	@rm -rf .venv build dist src/*.egg-info

setup:
	@command -v $(PYTHON) >/dev/null || { echo "Fairlead needs Python 3.11 or newer; there is no $(PYTHON)." >&2; exit 1; }
	@$(PYTHON) scripts/setup run

setup-dev:
	@command -v $(PYTHON) >/dev/null || { echo "Fairlead needs Python 3.11 or newer; there is no $(PYTHON)." >&2; exit 1; }
	@$(PYTHON) scripts/setup dev
