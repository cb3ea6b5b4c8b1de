# Everything a newcomer needs: `make run` trains the default comparison, `make test` runs the whole test suite.
# Both set up .venv by themselves; nothing but Python >= 3.11 and make has to be there.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
CONFIG ?= configs/scenarios/multi_extractor_default.yaml
# One more than a small machine's two cores, which these keep busy: with a fourth, each only takes longer.
JOBS   ?= 3
PYTEST_ARGS ?=
BENCHMARK_ARGS ?=
# Where a container sets it, every process of the tests would compile all that it imports.
unexport PYTHONDONTWRITEBYTECODE
# Each worker takes its part file by file, so that few modules' fixtures are made twice, and then helps the others.
PYTEST := $(BIN)/python -m pytest -n $(JOBS) --dist worksteal --durations 20

.DEFAULT_GOAL := help
.PHONY: help setup run collect test test-fast whole lies faults check lint types arch workflows benchmark docs clean

help:  ## list the targets
	@sed -n 's/^\([a-z-]*\):.*##/\1:/p' $(MAKEFILE_LIST)

# Nothing is compiled ahead: a module is when it is first imported, and most of what is installed never is.
$(STAMP): pyproject.toml examples/line_fit/pyproject.toml constraints.txt
	@command -v $(PYTHON) >/dev/null || { echo "there is no $(PYTHON) on this machine; name one: make PYTHON=python3.12 ..." >&2; exit 2; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "$(PYTHON) is older than 3.11; name a newer one: make PYTHON=python3.12 ..." >&2; exit 2; }
	@echo "setting up $(VENV); the first time takes some minutes, most of them for torch"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --no-compile --disable-pip-version-check --constraint constraints.txt \
	  --editable '.[train,dose,test,dev]' --editable examples/line_fit
	@touch $@

setup: $(STAMP)  ## install everything into .venv

run: $(STAMP)  ## train and compare the extractors of the default config for real; results go to tmp/
	$(BIN)/extractor-flow run $(CONFIG)

collect: $(STAMP)  ## import every test, which compiles all that they import: in a new place each worker would, at once
	@$(BIN)/python -m pytest --collect-only -qq >/dev/null

test: $(STAMP)  ## the whole test suite, with real training on tiny budgets
	$(PYTEST) $(PYTEST_ARGS)

test-fast: $(STAMP)  ## the tests that neither train a network nor start session after session: about a minute
	$(PYTEST) -m "not train and not slow" $(addprefix tests/,architecture contract docs property unit) $(PYTEST_ARGS)

whole: $(STAMP)  ## what `make test` leaves out because it has one of the kind: the second half of the whole suite
	$(PYTEST) -m whole $(PYTEST_ARGS)

lies: $(STAMP)  ## every lie, also those that only playing or training again tells, and those like one that `make test` tells
	$(PYTEST) -m "whole or not whole" tests/faults/lies $(PYTEST_ARGS)

faults: $(STAMP)  ## the whole fault suite, Slurm included where it is installed; writes the table of docs/faults.md
	mkdir -p tmp && rm -f tmp/faults.rows
	FAULT_TABLE=$(CURDIR)/tmp/faults.rows $(BIN)/python -m pytest -m faults tests/faults $(PYTEST_ARGS)
	$(BIN)/python scripts/write_fault_table.py tmp/faults.rows

check: lint types arch workflows  ## everything that reads the code without running it

lint: $(STAMP)  ## ruff: rules and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(STAMP)  ## mypy --strict on the packages
	$(BIN)/mypy

arch: $(STAMP)  ## import-linter: the layers of docs/design.md
	$(BIN)/lint-imports

workflows: $(STAMP)  ## the CI workflow by its schema, and by zizmor for what an attacker could use
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(BIN)/check-jsonschema --builtin-schema custom.github-workflows-require-timeout .github/workflows/*.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.dependabot .github/dependabot.yml
	$(BIN)/zizmor --offline --quiet .github

benchmark: $(STAMP)  ## this package beside what one would do without it; writes docs/explanation/benchmark.md
	$(BIN)/python benchmarks/benchmark.py --write $(BENCHMARK_ARGS)

docs: $(STAMP)  ## the documentation site, built strictly into site/
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[docs]'
	$(BIN)/python scripts/copy_pages.py
	$(BIN)/zensical build --strict --clean

clean:  ## remove what was built; runs in tmp/ are kept
	rm -rf $(VENV) build dist site docs/changelog.md docs/contributing.md .cache *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
