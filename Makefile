# Everything a contributor or a visitor types. `make` alone prints the targets.
# Each target makes the environment it needs in .venv; nothing is installed elsewhere.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: pictures help demo check lint types contracts quick test coverage bench bench-peers lock clean
.PHONY: browser

PYTHON ?= python3
BIN    := .venv/bin
REPORT := .artifacts

# What `make check` runs of the tests; `make test` runs them all.
QUICK  := tests/tidy tests/unit tests/conformance tests/simulation/test_quick.py

help: ## show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

# --- environments -----------------------------------------------------------------------------

.venv/made:
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else \
	  f"Pullcord needs Python 3.11 or newer; {sys.executable} is {sys.version.split()[0]}. " \
	  "Say which to use: make PYTHON=/path/to/python3.11")'
	@$(PYTHON) -m venv .venv || { echo "Python came without venv; on Debian: apt-get install python3-venv"; exit 1; }
	@touch $@

.venv/run: .venv/made requirements/build.txt requirements/run.txt pyproject.toml
	$(BIN)/pip install --quiet --require-hashes -r requirements/build.txt -r requirements/run.txt
	$(BIN)/pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@

.venv/dev: .venv/run requirements/dev.txt
	$(BIN)/pip install --quiet --require-hashes -r requirements/dev.txt
	@touch $@

# The system's Chromium if there is one, Playwright's own otherwise.
browser: .venv/dev
	@command -v chromium chromium-browser google-chrome >/dev/null || $(BIN)/playwright install chromium

# --- for visitors -----------------------------------------------------------------------------

demo: .venv/run ## see it work: a live console with three agents, in your browser
	$(BIN)/pullcord demo

# --- for contributors -------------------------------------------------------------------------

check: lint types contracts quick ## before a commit, under a minute: style, types, contracts, quick tests

lint: .venv/dev ## ruff: rules and format
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: .venv/dev ## mypy, strict, sources and tests
	$(BIN)/mypy

contracts: .venv/dev ## which room may import which
	$(BIN)/lint-imports --no-logo

quick: .venv/dev ## tidy, unit and conformance tests, on SQLite
	$(BIN)/pytest -q -n 2 --dist loadfile -k "not postgres" $(wildcard $(QUICK))

test: lint types contracts browser ## everything: all suites, fresh seeds, coverage thresholds
	@mkdir -p $(REPORT) && rm -rf $(REPORT)/coverage
	@$(BIN)/coverage run -m pytest -n 2 --dist loadfile 2>&1 | tee $(REPORT)/pytest.txt || { \
	  echo "what failed runs once more, alone and in order: what fails twice is a failure"; \
	  $(BIN)/coverage run -m pytest --last-failed --last-failed-no-failures none 2>&1 | tee $(REPORT)/pytest.txt; }
	@$(MAKE) --no-print-directory -j 2 --output-sync=target adapters
	@$(MAKE) --no-print-directory coverage
	@tail -n 1 $(REPORT)/pytest.txt

.PHONY: long
# How often in the build, and what the figures mean: CONTRIBUTING.md, "Faults at length".
long: export PULLCORD_FAILOVERS := 50
long: export PULLCORD_RACES := 10000
long: export PULLCORD_RESTART_SECONDS := 120
long: export CRASH_KILLS := 1000
long: .venv/dev ## fail-overs, races, restarts and kills at length: about an hour
	$(BIN)/pytest -q -rP tests/crash $(LONG)

LONG := $(patsubst %,tests/postgres/test_%.py,failover restarts races cluster)

coverage: ## what the last `make test` covered, against the thresholds
	$(BIN)/python -m coverage combine --quiet 2>/dev/null || true
	$(BIN)/python tests/coverage_floors.py

pictures: browser ## what letters look like, in light and dark, on desk and phone
	$(BIN)/python -m tests.pictures

bench: .venv/dev ## ratios against a floor, measured in one run
	$(BIN)/pullcord bench --json-file $(REPORT)/bench.jsonl

bench-peers: .venv/dev .venv-peers/made ## the same job by other products, turn about with ours
	$(BIN)/python -m benchmarks.peers.run --json-file $(REPORT)/bench.jsonl

.venv-peers/made: requirements/peers.txt
	@$(PYTHON) -m venv .venv-peers
	.venv-peers/bin/pip install --quiet --require-hashes -r requirements/peers.txt
	@touch $@

lock: .venv/made ## pin every dependency with its hashes, from pyproject.toml
	@$(BIN)/python -m uv --version >/dev/null 2>&1 || $(BIN)/pip install --quiet uv
	$(BIN)/uv pip compile --quiet $(LOCK) -o requirements/run.txt pyproject.toml
	$(BIN)/uv pip compile --quiet $(LOCK) -o requirements/dev.txt --group dev pyproject.toml
	printf 'hatchling\neditables\n' | $(BIN)/uv pip compile --quiet $(LOCK) -o requirements/build.txt -

LOCK := --upgrade --generate-hashes --universal --python-version 3.11 \
        --no-header --no-annotate --no-emit-index-url --no-emit-find-links

clean: ## remove the environment and everything a run leaves behind
	rm -rf .venv .artifacts .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis dist build
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# --- adapters ---------------------------------------------------------------------------------
# Frameworks exclude each other, so each adapter is tested in an environment of its own: with the
# newest version of everything, and with the oldest that pyproject.toml allows. Any number may run
# side by side (make -j 2 adapters): they share no file.

.PHONY: adapters adapters-oldest adapters-lock
.PRECIOUS: .venv-adapters-%/made
# the one that takes longest first
ADAPTERS := claude_agent openai_agents langgraph pydantic_ai
EXTRA_langgraph := langgraph
EXTRA_pydantic_ai := pydantic-ai
EXTRA_openai_agents := openai-agents
EXTRA_claude_agent := claude-agent-sdk

adapters: $(addprefix adapter-,$(ADAPTERS)) ## every adapter, newest framework: canary, types, conformance

adapters-oldest: $(addprefix adapter-,$(addsuffix -oldest,$(ADAPTERS))) ## every adapter with the oldest framework it supports

.venv-adapters-%/made: requirements/adapters-%.txt requirements/build.txt pyproject.toml
	@$(PYTHON) -m venv .venv-adapters-$*
	@echo "adapters: installing what $* needs"
	@.venv-adapters-$*/bin/pip install --quiet --require-hashes -r requirements/build.txt -r requirements/adapters-$*.txt
	@.venv-adapters-$*/bin/pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@

adapter-%-oldest: .venv-adapters-%-oldest/made
	@.venv-adapters-$*-oldest/bin/python -m tests.adapters.canary $*
	@$(call conformance,$*,-oldest,)

adapter-%: .venv-adapters-%/made
	@.venv-adapters-$*/bin/python -m tests.adapters.canary $*
	@.venv-adapters-$*/bin/python -m mypy --cache-dir .venv-adapters-$*/mypy_cache \
	  src/pullcord/adapters/$*.py tests/adapters/places/$*_place.py tests/adapters/test_framework_$*.py
	@$(call conformance,$*,,coverage run --concurrency=thread -m)

# what fails is run once more, alone: what fails twice is a failure, as in `make test`
define conformance
run() { PULLCORD_ADAPTER=$(1) .venv-adapters-$(1)$(2)/bin/python -m $(3) pytest -q --confcutdir=tests/adapters \
	  -o cache_dir=.venv-adapters-$(1)$(2)/pytest_cache tests/adapters "$$@"; }; \
	run || { echo "what failed runs once more"; run --last-failed --last-failed-no-failures none; }
endef

adapters-lock: .venv/made
	$(foreach each,$(ADAPTERS),$(call lock_adapter,$(each),--upgrade,)$(call lock_adapter,$(each),--resolution lowest-direct,-oldest))

lock_adapter = $(BIN)/uv pip compile --quiet $(filter-out --upgrade,$(LOCK)) $(2) --extra $(EXTRA_$(1)) \
	  -o requirements/adapters-$(1)$(3).txt pyproject.toml requirements/adapters.in \
	  $(wildcard requirements/adapters-$(1).in);
