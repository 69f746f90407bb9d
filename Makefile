# make demo: see everything work. make test: the tests. Both set up .venv first, once.
# make pose-env: an environment of its own for MediaPipe, which needs numpy < 2 and Python 3.9 to 3.12.
PYTHON ?= python3
POSE_PYTHON ?= $(PYTHON)
BIN := .venv/bin
# one thread per test process: two processes share two cores
TEST_ENV := OMP_NUM_THREADS=1

.PHONY: demo test test-slow pose-env lint wheel docs clean

# pyproject.toml and constraints.txt say what is needed; the stamp says that it is there
.venv/.installed: pyproject.toml setup.py constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev,text]'
	touch $@

demo: .venv/.installed
	$(BIN)/python tools/demo.py

test: .venv/.installed
	$(TEST_ENV) $(BIN)/python -m pytest -q -n 2 --timeout 300

pose-env: .venv-pose/.installed

.venv-pose/.installed: requirements-pose.txt
	@$(POSE_PYTHON) -c 'import sys; sys.exit(not (3, 9) <= sys.version_info < (3, 13))' || { \
		echo "error: mediapipe 0.10.21 needs Python 3.9 to 3.12: make pose-env POSE_PYTHON=python3.11" >&2; exit 2; }
	$(POSE_PYTHON) -m venv .venv-pose
	.venv-pose/bin/pip install --quiet --disable-pip-version-check -r requirements-pose.txt
	touch $@

# the tests film a picture that scikit-image has
.venv-pose/.tested: .venv-pose/.installed
	.venv-pose/bin/pip install --quiet --disable-pip-version-check -r requirements-pose.txt 'scikit-image>=0.22'
	touch $@

# where MediaPipe or MkDocs cannot be installed their tests are skipped
test-slow: .venv/.installed
	-$(MAKE) .venv-pose/.tested
	-$(MAKE) .venv/.docs-installed
	$(TEST_ENV) $(BIN)/python -m pytest -q -n 2 -m 'slow or not slow' --timeout 3000

lint: .venv/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check --quiet .
	$(BIN)/lint-imports
	$(BIN)/mypy

# dist/*.whl, with the configs in it; what an earlier build left must not get into it
wheel: .venv/.installed
	rm -rf build/lib build/bdist.*
	$(BIN)/pip wheel --quiet --disable-pip-version-check --no-deps -w dist .

# the documentation site, in build/site; a broken link is an error
docs: .venv/.docs-installed
	OMP_NUM_THREADS=1 NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict
	@echo 'build/site/index.html'

.venv/.docs-installed: .venv/.installed
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[docs]'
	touch $@

clean:
	rm -rf .venv .venv-pose build dist *.egg-info
