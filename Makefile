# Everything a person or CI runs. Needs Python 3.11+, git and make; the rest is installed into .venv by itself.

.PHONY: help demo check test test-integrations lint coverage fuzz format bench example docs dist clean
.DEFAULT_GOAL := help

PYTHONS := python3 python3.14 python3.13 python3.12 python3.11
BIN     := .venv/bin
READY   := .venv/.installed
PACKAGE := --editable '.[docs,test]'
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# The tests start mvc hundreds of times, and what it was compiled to is kept.
unexport PYTHONDONTWRITEBYTECODE

help:                   ## this list
	@sed -n 's/^\([a-z-]*\):[^#]*## /  make \1\t/p' Makefile | expand -t 26

demo: $(READY)          ## the tour: four releases of a real network, committed, compared, published, trained, imported
	@$(BIN)/python -m tests.demo.tour

check: lint             ## lint, types and the quick tests: a minute
	@$(BIN)/python -m pytest -q -n auto --dist worksteal --quick $(ARGS)

test: lint              ## lint, types and all tests
	@$(BIN)/python -m pytest -n auto --dist worksteal $(ARGS)

test-integrations: $(READY) ## mvc with real trainers and tools; `make test-integrations ARGS=ultralytics` for one of them
	@$(BIN)/python -m tests.integrations.main $(ARGS)

# Nothing runs beside mypy, so it takes every core; the tests that start mypy take one.
lint: $(READY)          ## ruff, mypy --strict, and the order of layers
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check --quiet || { echo 'Not formatted; run: make format'; $(BIN)/ruff format --check; exit 1; }
	@MYPY_NUM_WORKERS=auto $(BIN)/mypy
	@contracts=$$($(BIN)/lint-imports --no-logo) || { echo "$$contracts"; exit 1; }

coverage: $(READY)      ## the branches of mvc that the quick tests take: in all, and where they take fewest
	@$(BIN)/python -m pytest -q -n auto --dist worksteal --quick --cov --cov-report= $(ARGS)
	@$(BIN)/python -m coverage report --skip-covered --sort=cover | sed -n '1,22p;/^TOTAL/p'

fuzz: $(READY)          ## every reader of foreign bytes under a coverage-guided fuzzer; `make fuzz ARGS="pack --seconds 60"`
	@$(BIN)/python -m tests.fuzz seeds && $(BIN)/python -m tests.fuzz run $(ARGS)

format: $(READY)        ## what ruff can mend by itself
	@$(BIN)/ruff check --fix-only --quiet
	@$(BIN)/ruff format

bench: $(READY)         ## speed and size against their goals and beside other tools; `make bench ARGS=--quick` for a short run
	@$(BIN)/python -m tests.bench.bench $(ARGS)

example: $(READY)       ## rebuild the store of .mvc-example from its inputs
	@$(BIN)/python .mvc-example/build.py

docs: $(READY)          ## the documentation as a site, in build/docs
	@NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --quiet --strict && echo build/docs/index.html

dist: $(READY)          ## wheel and sdist in dist/, with man pages, checked by twine
	@$(BIN)/python -m tests.release.dist

clean:                  ## remove all that is made here
	rm -rf .venv build dist .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache

# uv installs in a tenth of pip's time; pip takes over where an index is known to pip alone.
# The stamp is as new as pyproject.toml when all it asks for is installed, so a second run costs nothing.
$(READY): pyproject.toml
	@for python in $(PYTHON) $(PYTHONS); do \
	    if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	        echo "Installing into .venv with $$python ($$($$python -V 2>&1))"; \
	        $$python -m venv .venv || { echo 'No venv module: on Debian and Ubuntu, apt install python3-venv'; exit 1; }; \
	        { $(BIN)/python -m pip install -qq uv && $(BIN)/python -m uv pip install -q --python $(BIN)/python $(PACKAGE); } 2>/dev/null \
	            || $(BIN)/python -m pip install -qq $(PACKAGE) || exit; touch $@; exit; \
	    fi; \
	done; echo 'mvc needs Python 3.11 or newer: make PYTHON=/path/to/python3'; exit 1
