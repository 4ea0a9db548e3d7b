# Two commands do everything: `make run` (the main job) and `make test` (all checks).
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

export DO_NOT_TRACK := 1
export DBT_SEND_ANONYMOUS_USAGE_STATS := false
export RUNTIME__DLTHUB_TELEMETRY := false

.DEFAULT_GOAL := help
.PHONY: help setup run preview check sources summary test proofs quick situations oracle histories mutants breaks bench big year month lint types ui kill lock clean

help: ## Show this list.
	@awk -F':.*## ' '/^[a-z]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY) ## Install everything into .venv, pinned by hash (the other targets do it when needed).

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 to 3.14 is needed, this is " + sys.version.split()[0] + ". Name another one: make PYTHON=python3.11 ...") if not (3, 11) <= sys.version_info[:2] <= (3, 14) else 0'
	@echo "Setting up .venv (once, about two minutes) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@home=$$(mktemp -d) && COMMISSIONS_HOME=$$home $(BIN)/commissions prepare >/dev/null && rm -rf $$home
	@touch $@

run: $(READY) ## Land, calculate and publish, then print what everybody is paid and why.
	@$(BIN)/commissions run

preview: $(READY) ## Show after every edit of a seed or model which payouts it changes; publishes nothing. Ctrl-C ends it.
	@$(BIN)/commissions preview --watch

check: $(READY) ## Check plan seeds and extracts; writes nothing.
	@$(BIN)/commissions check

sources: $(READY) ## Ask every connected system: secrets, permissions, fields; writes nothing.
	@$(BIN)/commissions check-sources

summary: $(READY) ## Print the summary of the last good run again.
	@$(BIN)/commissions summary

ui: $(READY) ## Open the Dagster UI on the same graph.
	@$(BIN)/commissions ui

test: lint types ## Pass all checks: lint, types, dbt unit and data tests, pytest. Prints the ten slowest and the total.
	@$(BIN)/pytest --durations=10

proofs: $(READY) ## Pass the proofs that take minutes each: months closed and corrected, kills, all of dbt alone.
	@$(BIN)/pytest -o addopts=-q -m proof --durations=10

quick: $(READY) ## The edit loop: lint of changed files, unit tests of changed models, all situations.
	@$(BIN)/python -m tests.quick

situations: $(READY) ## Run the situations of a folder: make situations DIR=tests/calculation/situations
	@$(BIN)/python -m orchestration.plans.situations $(or $(DIR),tests/calculation/situations)

oracle: $(READY) ## Compare N random companies (default 300) with the independent calculation.
	@ORACLE_COMPANIES=$(or $(N),300) $(BIN)/pytest -q tests/calculation -k random

histories: $(READY) ## Close 24 months of N random companies (default 20) one by one and compare what is posted.
	@HISTORY_MONTHS=24 HISTORIES=$(or $(N),20) $(BIN)/pytest -o addopts=-q tests/calculation/test_histories_posted.py

mutants: $(READY) ## Break the stage models one by one and report which breaks no test notices.
	@$(BIN)/python -m tests.mutants.run

breaks: $(READY) ## Break twelve things on purpose, one by one; fails when a run does not catch one before it publishes.
	@$(BIN)/python -m benchmarks.breaks

bench: $(READY) ## Measure the speed against hand-written SQL: make bench SIZES="10000 100000"
	@$(BIN)/python -m benchmarks $(or $(SIZES),10000 100000)

big: $(READY) ## Run a company of DEALS deals (default 100000) twice; fails when it grows, changes or prints too much.
	@$(BIN)/python -m benchmarks.big --deals $(or $(DEALS),100000)

lint: $(READY) ## Check the style of Python and SQL.
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/sqlfluff lint --processes 2 dbt_project/models dbt_project/tests dbt_project/analyses

types: $(READY) ## Check the Python types.
	@$(BIN)/mypy ingestion orchestration benchmarks

kill: $(READY) ## Kill loads, runs and closings at random points and rerun them, ROUNDS times; nothing may be lost or doubled.
	@KILL_ROUNDS=$(or $(ROUNDS),20) $(BIN)/pytest -o addopts=-q tests/ingestion tests/contracts tests/orchestration/test_closing_months.py \
	  -k "kill or closing_months"

year: $(READY) ## Close a year of the sample company month by month (half an hour) and print statements.
	@YEAR=1 $(BIN)/pytest -o addopts=-q -s tests/orchestration/test_year.py

month: $(READY) ## Live through a month under a fake clock (half an hour): schedules, sensors, alerts, events.
	@MONTH=1 $(BIN)/pytest -o addopts=-q -s tests/orchestration/test_simulated_month.py

lock: ## Pin the dependencies again (needs uv).
	uv pip compile pyproject.toml --extra dev --extra postgres --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-annotate --no-header --no-strip-extras -o requirements.lock

clean: ## Remove the environment and everything that runs have made.
	rm -rf $(VENV) var build *.egg-info dbt_project/target dbt_project/logs .pytest_cache .mypy_cache .ruff_cache .hypothesis
