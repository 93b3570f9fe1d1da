PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed

.PHONY: run test

run: $(STAMP)
	$(BIN)/privbench run quickstart

$(STAMP): pyproject.toml constraints.txt $(wildcard plugins/*/pyproject.toml)
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]' $(addprefix --editable ,$(dir $(wildcard plugins/*/pyproject.toml)))
	touch $@
