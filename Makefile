# `make up` and `make test` are all that is needed; both set up what is missing, inside this folder.
PYTHON ?= python3
BIN := .venv/bin
# two tests at a time: half of what they do is waiting. A file's tests stay together, because they share twins
WORKERS := -n 2 --dist loadfile

.PHONY: up test test-all lint setup servers bench golden lock clean

up: setup                ## prove the reference topology and run it; stays up on a terminal until Ctrl-C
	@$(BIN)/budnet up --attach

test: .venv/dev servers  ## everything CI runs
	@$(MAKE) --no-print-directory lint
	$(BIN)/pytest $(WORKERS)

test-all: .venv/dev servers  ## the slow suites, too
	@$(MAKE) --no-print-directory lint
	$(BIN)/pytest $(WORKERS) -m "slow or not slow"

lint: .venv/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

setup: .venv/run servers

.venv/run: requirements.txt pyproject.toml scripts/venv
	@scripts/venv $(PYTHON) requirements.txt
	@touch $@

.venv/dev: requirements-dev.txt pyproject.toml scripts/venv
	@scripts/venv $(PYTHON) requirements-dev.txt
	@touch $@ .venv/run

# real servers, unpacked inside .venv without touching the machine; quick where they are there already
servers: .venv/run
	@$(BIN)/python -m budnet.twin.debian

bench: .venv/dev servers ## one script a claim, each beside its peer or its floor
	@for script in bench/bench_*.py; do echo "== $$script"; $(BIN)/python $$script || exit 1; done

golden: .venv/dev        ## write the expected files anew; the diff is what a reviewer reads
	BUDNET_GOLDEN=1 $(BIN)/pytest tests/golden tests/errors

lock: .venv/dev          ## pin the newest versions of what is named in *.in
	$(BIN)/pip install -q pip-tools
	for name in requirements requirements-dev; do \
	  $(BIN)/pip-compile -q --upgrade --generate-hashes --no-emit-index-url --no-emit-find-links --allow-unsafe --strip-extras -o $$name.txt $$name.in; done

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis build src/*.egg-info
