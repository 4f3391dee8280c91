# Every target makes its own virtual environment when there is none. `make PYTHON=python3.13 VENV=.venv-3.13 test` picks another.

PYTHON ?= $(firstword $(foreach name,python3 python3.13 python3.12 python3.11,$(shell \
	$(name) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $(name))))
VENV ?= .venv
TESTS ?=
WITHOUT ?=
OLDEST := $(addprefix tests/,test_values.py test_readers.py test_changes.py test_paths.py test_models.py test_schemas.py test_records.py test_routing.py test_conditions.py test_entities.py test_rules.py test_samples.py)
PY := $(VENV)/bin/python
INSTALL := $(PY) -m pip install --quiet --constraint constraints.txt
# The folders too: they change when a file is removed.
SOURCES := $(shell find src -type d ! -name __pycache__) $(shell find src examples/game_scores -type f ! -name '*.pyc') \
	pyproject.toml README.md LICENSE

.DEFAULT_GOAL := help
.DELETE_ON_ERROR: # a venv without its pip is no venv
.NOTPARALLEL: # one pip at a time in one venv
.PHONY: help demo test soak lint types docs bench instructions simulation oldest clean

help: ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1|/' | awk -F'|' '{ printf "make %-12s %s\n", $$1, $$2 }'

demo: $(VENV)/.demo $(VENV)/.wheel ## watch typed handlers react to a live DynamoDB stream
	@$(PY) -m headwater.cli demo examples/game_scores/app.py:app

test: $(VENV)/.test $(VENV)/.demo $(VENV)/.wheel ## run all tests against the built wheel, with the coverage gate
	@rm -f .coverage .coverage.*
	$(PY) -m pytest --numprocesses 2 --dist loadfile --cov --cov-report= $(addprefix --ignore=,$(WITHOUT)) $(TESTS)
	@$(if $(TESTS),,$(PY) -m coverage report --include='*/headwater/*.py' --fail-under=100)

soak: $(VENV)/.test $(VENV)/.demo $(VENV)/.wheel ## run random schedules of failures until Ctrl-C
	@$(PY) -m tests.schedules

lint: $(VENV)/.lint $(VENV)/.wheel ## check style, format and import contracts
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/lint-imports

types: $(VENV)/.test $(VENV)/.demo $(VENV)/.wheel ## check types with mypy --strict and pyright
	$(VENV)/bin/mypy
	$(VENV)/bin/pyright --pythonpath $(PY)

docs: $(VENV)/.docs $(VENV)/.wheel ## build the documentation into site/
	NO_MKDOCS_2_WARNING=1 $(VENV)/bin/mkdocs build --strict # not --quiet: it hides the warnings from --strict
	@echo "the documentation is in site/index.html"

bench: $(VENV)/.bench $(VENV)/.demo $(VENV)/.wheel ## measure against peers, as ratios, and write the figures of the documentation
	@$(PY) -m benchmarks

instructions: $(VENV)/.test $(VENV)/.wheel ## count what a record costs, and compare with what was recorded; RECORD=1 records
	@command -v valgrind >/dev/null || { echo "this counts with valgrind: install it" >&2; exit 1; }
	@$(PY) -m benchmarks.instructions $(if $(RECORD),--record)

simulation: $(VENV)/.demo $(VENV)/.wheel ## measure how a forecast grows with its records, up to a million
	@$(PY) -m benchmarks.simulation

oldest: $(VENV)/.test $(VENV)/.demo $(VENV)/.wheel ## run the decoding tests with the oldest pydantic allowed, in a venv of its own
	@test "$(VENV)" != .venv || { echo "this changes pydantic in the venv: say make VENV=.venv-oldest oldest" >&2; exit 1; }
	$(PY) -m pip install --quiet 'pydantic==2.7.*'
	$(PY) -m pytest --numprocesses 2 --dist loadfile $(OLDEST)

clean: ## remove everything that the other targets made
	rm -rf .venv* dist site .coverage* .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(PY):
	@test -n "$(PYTHON)" || { echo "Headwater needs Python 3.11 or newer, and there is none: install one, or say make PYTHON=/path/to/python" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Headwater needs Python 3.11 or newer, and $(PYTHON) is not: say make PYTHON=/path/to/python" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(PY) -m pip install --quiet --upgrade 'pip>=25.3'

# The extras that the demo needs, without Headwater itself.
$(VENV)/.demo: pyproject.toml constraints.txt | $(PY)
	$(INSTALL) $$($(PY) -c 'import tomllib; p = tomllib.load(open("pyproject.toml", "rb"))["project"]; print(*p["dependencies"], *p["optional-dependencies"]["cli"], *p["optional-dependencies"]["local"])')
	@touch $@

$(VENV)/.test $(VENV)/.bench $(VENV)/.lint $(VENV)/.docs: $(VENV)/.%: pyproject.toml constraints.txt | $(PY)
	$(INSTALL) --group $*
	@touch $@

# Tests, demo and type checks see what a user installs: the wheel, never the source tree.
$(VENV)/.wheel: $(SOURCES) constraints.txt | $(PY)
	@rm -rf dist/$(notdir $(VENV))
	$(PY) -m pip wheel --quiet --no-deps --build-constraint constraints.txt --wheel-dir dist/$(notdir $(VENV)) .
	$(INSTALL) dist/$(notdir $(VENV))/*.whl
	$(PY) -m pip install --quiet --force-reinstall --no-deps dist/$(notdir $(VENV))/*.whl
	@touch $@
