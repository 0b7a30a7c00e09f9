# `make quickstart` shows opsvi at work, `make test` proves it; both need Python 3.11 or newer and nothing else.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.PHONY: help quickstart install test test-plugins test-pairs lint format docs bench generate clean

help:
	@echo "make quickstart  install into $(VENV), ingest examples/documents, ask two questions"
	@echo "make test        install what the tests need, run them all"
	@echo "make lint        ruff, ruff format, mypy"
	@echo "make docs        build the documentation into docs/_build"
	@echo "make bench       measure start-up, models, scaffolding and retrieval (BENCH_DATA=folder with BEIR collections)"
	@echo "make generate    write the generated files: completions, reference pages, examples"

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -m venv $(VENV) 2>/dev/null || uv venv --quiet --seed --python $(PYTHON) $(VENV)

install: $(BIN)/python
	@$(PIP) install .

quickstart: install
	@OPSVI=$(BIN)/opsvi sh examples/quickstart.sh

# Dependency groups need pip 25.1.
$(STAMP): $(BIN)/python pyproject.toml
	@$(PIP) install --upgrade 'pip>=25.1'
	@$(PIP) install --editable . --group dev
	@touch $(STAMP)

test: $(STAMP)
	@$(MAKE) --no-print-directory test-plugins
	$(BIN)/python -m pytest tests -n 2 $(PYTEST_ARGS)

# A plugin may need what the others cannot bear: each has its own environment and says itself how it is tested.
test-plugins:
	@for plugin in plugins/*/ examples/plugins/; do PYTHON="$(PYTHON)" sh "$${plugin}test.sh" || exit 1; done

# Every two features of new-library in one library, each in an environment of its own: more than an hour.
test-pairs: $(STAMP)
	$(BIN)/python -m pytest tests/scaffold/test_features.py -m pairs -n 2 $(PYTEST_ARGS)

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

generate: $(STAMP)
	$(BIN)/python examples/make_documents.py
	for shell in bash zsh fish powershell; do $(BIN)/opsvi completion $$shell --write completions; done
	$(BIN)/python docs/generate.py
	$(BIN)/opsvi man > docs/opsvi.1

docs: $(STAMP)
	$(BIN)/python docs/generate.py
	$(BIN)/sphinx-build -W -n -q docs docs/_build/html
	@echo "docs/_build/html/index.html"

bench: $(STAMP)
	$(BIN)/python benchmarks/startup/run.py
	$(BIN)/python benchmarks/providers/run.py
	$(BIN)/python benchmarks/scaffold/run.py
	@if [ -n "$(BENCH_DATA)" ]; then $(BIN)/python benchmarks/retrieval/run.py $(BENCH_DATA); fi

clean:
	rm -rf $(VENV) .venv-* build dist docs/_build .pytest_cache .mypy_cache .ruff_cache
