# make demo: see everything work. make test: the tests. Both set up .venv first, once.
PYTHON ?= python3
BIN := .venv/bin
# one thread per test process: two processes share two cores
TEST_ENV := OMP_NUM_THREADS=1

.PHONY: demo test test-slow lint clean

# setup.py and constraints.txt say what is needed; the stamp says that it is there
.venv/.installed: setup.py constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev,text]'
	touch $@

demo: .venv/.installed
	$(BIN)/python tools/demo.py

test: .venv/.installed
	$(TEST_ENV) $(BIN)/python -m pytest -q -n 2 --timeout 300

test-slow: .venv/.installed
	$(TEST_ENV) $(BIN)/python -m pytest -q -n 2 -m 'slow or not slow' --timeout 3000

lint: .venv/.installed
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/mypy

clean:
	rm -rf .venv build *.egg-info
