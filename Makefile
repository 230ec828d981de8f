# Everything sets itself up from Python 3.11+, pip and make, into .venv.
PYTHON ?= python3
BIN := .venv/bin
DEMO_ARGS ?=
PYTEST_ARGS ?=
EXPLORE_MINUTES ?= 10

.PHONY: demo test explore check bench lock clean

demo: .venv/ready
	$(BIN)/cloakroom demo $(DEMO_ARGS)

# The tests start hundreds of processes: each would compile all modules anew where their compiled form is not kept.
test explore: export PYTHONDONTWRITEBYTECODE :=

test: .venv/ready
	$(BIN)/python -m pytest -n 2 --dist worksteal $(PYTEST_ARGS)

# Searches for inputs and schedules that no run has tried yet, with a new seed each round; `make test` never does.
explore: .venv/ready
	$(BIN)/python tools/explore.py --minutes $(EXPLORE_MINUTES) $(PYTEST_ARGS)

check: .venv/ready
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: .venv/ready
	$(BIN)/python -m bench $(BENCH_ARGS)

lock: .venv/ready
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/python tools/lock.py

clean:
	rm -rf .venv build dist .coverage*

.venv/ready: requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11, 1) and "Cloakroom needs Python 3.11.1 or newer")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	$(BIN)/python -m pip check --disable-pip-version-check
	touch .venv/ready
