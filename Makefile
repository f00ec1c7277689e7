# `make run`: install into .venv and look around.  `make test`: the same with the development tools, then all checks.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: run test venv dev lint bench completions pyz clean

run: venv
	$(BIN)/pymemtools free -h
	$(BIN)/pymemtools smem -tk | tail -n 12
	$(BIN)/pymemtools --demo free -h
	$(BIN)/pymemtools --demo smem -tk

venv: $(VENV)/.installed
$(VENV)/.installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable .
	$(BIN)/python -m compileall -q pymemtools # where PYTHONDONTWRITEBYTECODE is set, every start would compile anew
	touch $@

dev: $(VENV)/.dev
$(VENV)/.dev: $(VENV)/.installed constraints.txt
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[plot,zstd,cluster]' --group dev
	touch $@

lint: dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# JOBS=2 runs two files beside each other; the gate runs one after the other, where nothing disturbs.
JOBS ?= 0
test: lint
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest -n $(JOBS) --dist loadfile -m 'not alone'
	$(BIN)/coverage run -m pytest -m alone
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report --skip-covered

# One file for hosts without pip: runs under each Python from 3.10 on, and starts at once under those compiled for.
COMPILE_FOR ?= $(BIN)/python
pyz: venv
	$(BIN)/python tools/pyz.py -o pymemtools.pyz --compile $(COMPILE_FOR)

completions: venv
	$(BIN)/pymemtools completion bash > completions/pymemtools.bash
	$(BIN)/pymemtools completion zsh > completions/_pymemtools
	$(BIN)/pymemtools completion fish > completions/pymemtools.fish

clean:
	rm -rf $(VENV) pymemtools.pyz .coverage* .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

bench: dev
	$(BIN)/python -m compileall -q pymemtools
	$(BIN)/python bench/beside_peers.py
	$(BIN)/python bench/pmap.py
	$(BIN)/python bench/capture.py
	$(BIN)/python bench/vgraph.py
	$(BIN)/python bench/oom_report.py
	$(BIN)/python bench/what_if.py
	$(BIN)/python bench/groups.py
	$(BIN)/python bench/cache.py
	$(BIN)/python bench/fleet.py
	$(BIN)/python bench/record.py
	$(BIN)/python bench/pages.py
	$(BIN)/python bench/ksm.py
	$(BIN)/python bench/trend.py
	$(BIN)/python bench/report.py
