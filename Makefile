# Each target makes the virtual environment that it needs; nothing has to be installed before.
# Another Python: make test PYTHON=python3.13 VENV=.venv-3.13

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
COG := $(BIN)/cog -I docs --verbosity=1
INSTALL := $(BIN)/python -m pip --disable-pip-version-check install --quiet --no-compile
PIP := $(INSTALL) --constraint constraints.txt

# Where it is set, as in many containers, each of the hundreds of processes that the tests start
# would compile all that it imports.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo test lint bench spark soak docs site dist clean
.DEFAULT_GOAL := help

help: ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-6s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/.run ## record a simulated desk and report on it (no credentials, about 2 minutes)
	@PATH="$(abspath $(BIN)):$$PATH" sh docs/demo.sh

test: $(VENV)/.dev ## run the whole test suite
	$(BIN)/python -m pytest -n 4 --dist loadfile --no-loadscope-reorder

lint: $(VENV)/.dev site ## check style, types, that documents are fresh and lead to where they say
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(COG) --check --diff docs/*.md

bench: $(VENV)/.dev ## measure, and write docs/benchmarks.md
	$(BIN)/python tests/bench

spark: $(VENV)/.dev $(VENV)/.spark ## ask Apache Spark every metric, and DuckDB (needs Java 17; fetches 450 MB)
	$(BIN)/python tests/bench/apache.py

soak: $(VENV)/.dev ## record a simulated desk for a long time under faults (an hour, or SECONDS=… ROUNDS=…)
	$(BIN)/python tests/bench/soak.py

docs: $(VENV)/.dev ## write the generated parts of the documents again
	$(COG) -r docs/*.md

site: $(VENV)/.dev ## make a site of the documents, in build/site
	$(BIN)/sphinx-build --quiet --fail-on-warning --keep-going docs build/site

dist: $(VENV)/.dev ## build the wheel and the source distribution
	rm -rf build dist
	$(BIN)/python -m build --no-isolation

clean: ## remove everything that these targets made
	rm -rf $(VENV) build dist demo-archive *.egg-info .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.spark: | $(BIN)/python
	$(PYTHON) -m venv $(VENV)/spark
	$(VENV)/spark/bin/python -m pip --disable-pip-version-check install --quiet pyspark==4.2.0 # as its client
	@touch $@

$(BIN)/python:
	$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

$(VENV)/.run: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) setuptools
	$(PIP) --no-build-isolation --editable '.[simulate]'
	@touch $@

$(VENV)/.dev: $(VENV)/.run
	$(PIP) --no-build-isolation --editable '.[dashboard,holidays,report,s3,simulate,spark,test,lint]'
	$(INSTALL) --no-deps --upgrade --target $(VENV)/duckdb-1.5 duckdb==1.5.6 # the oldest supported
	$(INSTALL) --upgrade --target $(VENV)/forecast statsforecast==2.1.1 'pandas<3' 'python-dateutil<3' # the extra `forecast`
	@touch $@
