# make setup | demo | test | test-lab | bench | bench-small | conformance | lint; everything lives in .venv
PYTHON ?= python3
BIN := .venv/bin

# Many tests start processes: none of them is to compile again what another one has compiled.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: setup demo test test-half test-rest test-lab bench bench-small goflow2 conformance lint lock
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

# In two halves at once, of about the same length.
HALF := tests/cli tests/config tests/nfacctd tests/steering
test: setup
	@$(MAKE) --no-print-directory --jobs 2 --output-sync=target test-half test-rest

test-half: setup
	$(BIN)/python -m pytest -rs $(HALF)

test-rest: setup
	$(BIN)/python -m pytest -rs $(addprefix --ignore=,$(HALF))

test-lab: setup
	$(BIN)/python -m pytest -m lab -rs --durations 15 --timeout 900

# CPU seconds beside nfacctd on the same datagrams; needs root, java, maven and Debian's pmacct.
# More than an hour; `.venv/bin/python -m tests.bench ROW...` measures single rows. Row N wants
# haproxy, row D0 has goflow2 beside it after `make goflow2`.
bench: setup
	$(BIN)/python -m tests.bench

# Minutes: fails where a sum is wrong, or a row costs twice its recorded ratio to nfacctd.
bench-small: setup
	$(BIN)/python -m tests.bench --small

# Into build/, from the Go module proxy; needs Go.
goflow2: setup
	$(BIN)/python -m tests.bench.goflow2

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
