# Everything runs in .venv, which is made when first needed and made anew when the dependencies change.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed

.PHONY: all demo test test-oldest lint format type contracts bench docs package pictures baseline clean

all: lint type contracts test

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; $(PYTHON) is `$(PYTHON) --version`. Say which: make PYTHON=python3.12" >&2; exit 1; }
	$(PYTHON) -m venv .venv

$(STAMP): setup.cfg pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	touch $@

# The demo needs the package alone, and not what developers need.
demo: .venv/.demo
	$(BIN)/ridgefeat demo

.venv/.demo: setup.cfg pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e .
	touch $@

# On every core; a file stays with one worker, so that what it makes is made once.
test: $(STAMP)
	$(BIN)/python -m pytest -n auto --dist loadfile

# The same with the oldest dependencies that setup.cfg allows; pages, lessons, attacks, what
# is plain NumPy and what only repeats through commands are left out.
test-oldest: .venv-oldest/.installed
	.venv-oldest/bin/python -m pytest --ignore=tests/examples --ignore=tests/test_readme.py --ignore=tests/test_demo.py \
	  --ignore=tests/test_packaging.py --ignore=tests/docs --ignore=tests/test_attack.py --ignore=tests/nn \
	  --ignore=tests/cli/test_outputs.py --ignore=tests/cli/test_hostile.py --ignore=tests/bench/test_confounds.py \
	  --ignore=tests/features/test_pictures_of_columns.py --ignore=tests/synth --ignore=tests/backbone \
	  --ignore=tests/audit/test_near_images.py --ignore=tests/audit/test_known.py --ignore=tests/audit/test_people.py \
	  --ignore=tests/cli/test_audit.py --ignore=tests/cli/test_compare.py --ignore=tests/cli/test_verify.py \
	  --ignore=tests/reference

.venv-oldest/.installed: setup.cfg pyproject.toml
	test -x .venv-oldest/bin/python || $(PYTHON) -m venv .venv-oldest
	sed -n '/^install_requires/,/^\[/p; /^parquet/,/^dev/p' setup.cfg | sed -n 's/^ *\([A-Za-z0-9-]*\)>=/\1==/p' > .venv-oldest/constraints
	.venv-oldest/bin/python -m pip install --quiet --disable-pip-version-check -c .venv-oldest/constraints \
	  -e '.[parquet,wsq]' 'pytest>=8' 'hypothesis>=6.90'
	touch $@

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

type: $(STAMP)
	$(BIN)/mypy

contracts: $(STAMP)
	$(BIN)/lint-imports

# Each prints its table and writes benchmarks/results/<name>.md; those that need real prints find them through
# RIDGEFEAT_DATA, else in .data/, and say so where they are absent.
bench: $(STAMP)
	set -e; for script in benchmarks/*.py; do echo "== $$script"; $(BIN)/python "$$script"; done

# The site, in docs/_build/html: the references are made from the code, and a warning is an error.
docs: $(STAMP)
	$(BIN)/python docs/make_reference.py
	$(BIN)/python -m sphinx -q -W --keep-going -b html docs docs/_build/html
	@echo "docs/_build/html/index.html"

# sdist and wheel in dist/, built twice to see that they are the same bytes, and checked.
package: $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check 'build>=1.2' 'setuptools>=77' 'twine>=6' 'check-wheel-contents>=0.6'
	rm -rf dist build && mkdir -p build
	set -e; export SOURCE_DATE_EPOCH="$$(git log -1 --format=%ct)"; for out in dist build/again; do \
	  $(BIN)/python -m build --outdir $$out >build/log.txt 2>&1 || { cat build/log.txt >&2; exit 1; }; \
	  $(BIN)/python tools/same_bytes.py $$out/*.tar.gz; done
	cd dist && for name in *; do cmp "$$name" "../build/again/$$name" || exit 1; done
	$(BIN)/twine check --strict dist/*
	$(BIN)/check-wheel-contents dist/*.whl

# What the documentation shows of the families, and README of commands and pages (needs Chromium), on simulated prints.
pictures: $(STAMP)
	$(BIN)/python docs/make_pictures.py
	$(BIN)/python docs/make_page_pictures.py

# Stored feature values, when they change for a reason: make baseline REASON="..."
baseline: $(STAMP)
	$(BIN)/python -m tests.baseline "$(REASON)"

clean:
	rm -rf .venv build dist *.egg-info .mypy_cache .ruff_cache .hypothesis .import_linter_cache
