# make setup | demo | test | test-lab | conformance | lint; everything lives in .venv
PYTHON ?= python3
BIN := .venv/bin

.PHONY: setup demo test test-lab bench conformance lint lock
setup: .venv/.installed

# The lock has every version with its hash, so that what CI tested is what is installed.
.venv/.installed: requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed")'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-index --no-deps --no-build-isolation -e .
	@touch $@

demo: setup
	$(BIN)/python -m collector demo

test: setup
	$(BIN)/python -m pytest -rs

test-lab: setup
	$(BIN)/python -m pytest -m lab -rs --durations 15 --timeout 900

# CPU seconds beside nfacctd on the same datagrams; needs root, java, maven and Debian's pmacct.
bench: setup
	$(BIN)/python -m tests.bench

# Needs root; says "skipped" where ../shared is not there.
conformance: setup
	$(BIN)/python -m tests.conformance

lint: setup
	$(BIN)/ruff check collector tests
	$(BIN)/ruff format --check collector tests

# Needs uv; writes no index address.
lock:
	uv pip compile pyproject.toml --extra test --universal --python-version 3.11 \
		--generate-hashes --no-emit-index-url --no-header --quiet -o requirements.lock
