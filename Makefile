# What people and CI call; .ci/run calls nothing else. `make` alone explains.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VENV := .venv
PY := $(VENV)/bin/python
STAMP := $(VENV)/.installed
CODE := backups restore backupsvc tests manage.py $(wildcard benchmarks)

# The first interpreter that runs and has a supported version. A name on PATH may be a shim that
# does not run, so each is asked.
FIND_PYTHON = for name in $(PYTHON) python3 python3.13 python3.12 python3.11; do \
	if $$name -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' \
		>/dev/null 2>&1; then command -v $$name; exit 0; fi; done; \
	echo 'error: Python 3.11, 3.12 or 3.13 is needed, and none of them was found' >&2; \
	echo 'hint: install one, or say where it is: make setup PYTHON=/path/to/python3' >&2; exit 1

.PHONY: help
help: ## Explain the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: setup
setup: $(STAMP) ## Build .venv from requirements.lock; instant when that has not changed

# uv installs in seconds. Without one on PATH it comes from the package index, into a corner of
# .venv that the sync does not touch. Where only pip is configured to reach an index, pip installs.
$(STAMP): requirements.lock
	@set -e; python=$$($(FIND_PYTHON)); \
	if ! $(PY) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' \
		>/dev/null 2>&1; then rm -rf $(VENV); $$python -m venv --without-pip $(VENV); fi; \
	uv=$$(command -v uv || true); \
	if [ -z "$$uv" ]; then \
		$$python -m venv $(VENV)/uv; \
		$(VENV)/uv/bin/pip install --quiet --disable-pip-version-check uv || true; \
		uv=$(VENV)/uv/bin/uv; \
	fi; \
	$$uv pip sync --quiet --compile-bytecode --python $(PY) --require-hashes requirements.lock || { \
		$(PY) -m ensurepip >/dev/null; \
		$(PY) -m pip install --disable-pip-version-check --require-hashes -r requirements.lock; }
	@touch $@

# The runtime lock is what `make run` and a server need, without the tools of developers.
COMPILE = $(shell command -v uv || echo $(VENV)/uv/bin/uv) pip compile pyproject.toml \
	--universal --python-version 3.11 --generate-hashes --no-header --quiet $(if $(UPGRADE),--upgrade)

.PHONY: lock
lock: setup ## Pin the dependencies, with hashes, for every platform; UPGRADE=1 takes newer ones
	$(COMPILE) --extra studio --extra dev --output-file requirements.lock
	$(COMPILE) --extra studio --constraint requirements.lock --output-file requirements-runtime.lock

.PHONY: run
run: setup ## Everything in the foreground, with demo data: PORT=8000, EMPTY=1 for none
	@$(PY) -m backupsvc.serve $(if $(PORT),--port $(PORT)) $(if $(EMPTY),--empty)

.PHONY: demo
demo: setup ## The three journeys from end to end, in surroundings of their own
	@$(PY) -m backupsvc.serve.demo

.PHONY: stop
stop: setup ## Stop servers that a killed command left running; FORCE=1 even those in use
	@$(PY) -m backupsvc.embedded stop $(if $(FORCE),--force)

# A worker for each core and one more, each with servers of its own, in memory where there is room (tests/isolation.py). Where ARGS names tests, one process is quicker.
PARALLEL := --numprocesses auto --maxprocesses 8 --dist loadfile --no-loadscope-reorder
WORKERS = $(if $(findstring tests/,$(ARGS)),,$(PARALLEL))

# Where Python may leave no bytecode by itself (PYTHONDONTWRITEBYTECODE), each of the hundreds of
# programs that tests start would compile all of the code anew.
.PHONY: bytecode
bytecode: setup
	@$(PY) -m compileall -q backups restore backupsvc tests manage.py

.PHONY: test
test: browser bytecode ## The everyday tests, on private servers that they start themselves
	@$(PY) -m pytest $(WORKERS) $(ARGS)

.PHONY: quick
quick: SLOW := battery browser compat embedded faults formats install restore roundtrip serve storages studio
quick: bytecode ## The slice of them for while you edit: no browser, no killed worker, no whole restore
	@$(PY) -m pytest $(PARALLEL) $(addprefix --ignore=tests/,$(SLOW)) $(ARGS)

.PHONY: browser
browser: setup ## Look for the browser that tests click in; install one where that may be done
	@$(PY) -m tests.browser.finding

.PHONY: compat
compat: bytecode ## The round trips on the other versions of PostgreSQL that are here or in a wheel
	@$(PY) -m tests.compat $(ARGS)

.PHONY: battery
battery: bytecode ## The full proof: minutes long
	@$(PY) -m pytest -m battery $(ARGS)

.PHONY: bench
bench: bytecode ## Measure this beside pg_dump and others: ROWS=1000000 ROUNDS=3; docs/performance.md
	@$(PY) -m benchmarks $(if $(ROWS),--rows $(ROWS)) $(if $(ROUNDS),--rounds $(ROUNDS)) $(ARGS)

.PHONY: screenshots
screenshots: browser ## Take the pictures in docs/screenshots anew
	@$(PY) -m pytest --ds=tests.browser.settings tests/browser/take_screenshots.py \
		tests/browser/take_restore_screenshots.py $(ARGS)

.PHONY: format
format: setup ## Format the code, and fix what can be fixed
	$(PY) -m ruff format $(CODE)
	$(PY) -m ruff check --fix $(CODE)

.PHONY: lint
lint: setup ## Format and lint, changing nothing
	$(PY) -m ruff format --check $(CODE)
	$(PY) -m ruff check $(CODE)

.PHONY: types
types: setup ## Check the types
	$(PY) -m mypy

.PHONY: contracts
contracts: setup ## Check who imports whom
	$(VENV)/bin/lint-imports

# A pair and a database of its own, whatever addresses are set: nobody's data is migrated here.
.PHONY: schema
schema: export BACKUPSVC_VAR := var/schema
schema: MANAGE := env -u DATABASE_URL -u REDIS_URL $(PY) manage.py
schema: setup ## Check the migrations, and that every table is declared to the backups
	@$(PY) -m backupsvc.embedded stop --force >/dev/null
	@rm -rf $$BACKUPSVC_VAR
	$(MANAGE) migrate --verbosity 0 --skip-checks
	$(MANAGE) makemigrations --check --dry-run
	$(MANAGE) check --database default

# Needs GNU gettext; `manage.py compilemessages` makes of the file what is loaded.
.PHONY: messages
messages: setup ## Collect the texts of the pages for translators: FOR=de
	@test -n "$(FOR)" || { echo 'error: for which language? make messages FOR=de' >&2; exit 1; }
	@mkdir -p locale
	DATABASE_URL=postgresql://none/none REDIS_URL=redis://none/0 $(PY) manage.py makemessages \
		--locale $(FOR) --ignore 'tests/*' --ignore '$(VENV)/*' --ignore 'var/*'

.PHONY: check
check: lint types contracts schema ## Everything short of the tests

.PHONY: clean
clean: ## Remove what tools have cached; .venv and var stay
	rm -rf .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -not -path './.venv*' -prune -exec rm -rf {} +
