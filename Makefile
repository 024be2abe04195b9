# `make` lists what there is. Every target first makes .venv ready (instant when it already is).
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
PYTHON := .venv/bin/python
READY := @sh scripts/bootstrap.sh

.PHONY: help install run celery lint format test migrate redis-up bench soak soak-gateway soak-ledger races new-app

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' Makefile | while IFS='|' read -r name what; do printf '  make %-12s %s\n' "$$name" "$$what"; done

install: ## uv, the locked dependencies, the git hooks
	@sh scripts/bootstrap.sh --compile --hooks

run: ## everything, on SQLite, with demo people: http://127.0.0.1:8000
	$(READY)
	@exec $(PYTHON) run.py

celery: ## a Celery worker on CELERY_BROKER_URL, else on Redis
	$(READY)
	@exec $(PYTHON) scripts/celery_worker.py

lint: ## ruff, types, import contracts, architecture tests
	$(READY)
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports
	.venv/bin/python manage.py env_docs --check
	.venv/bin/python manage.py openapi --check
	.venv/bin/pytest -q architecture

format: ## sort imports, format
	$(READY)
	.venv/bin/ruff check --fix-only --select I .
	.venv/bin/ruff format .

test: ## the suite on SQLite, and on PostgreSQL and Redis where they are found
	$(READY)
	@exec $(PYTHON) scripts/test_lanes.py

races: ## the race tests: real connections, real commits
	$(READY)
	.venv/bin/pytest -q tests/races

bench: ## our figure, the raw limit and the peer in one run
	$(READY)
	@exec $(PYTHON) -m benchmarks

soak: ## [BROKER=redis://... or amqp://...] 200 processes killed while they deliver events, then soak-ledger
	$(READY)
	$(PYTHON) -m benchmarks.soak $(if $(BROKER),--broker "$(BROKER)")
	@$(MAKE) soak-ledger

soak-gateway: ## sockets under kills, outages and storms: no event lost or doubled
	$(READY)
	@exec $(PYTHON) -m benchmarks.gateway.soak

soak-ledger: ## anything in any order on the books, long: 300 stories of 60 steps (DATABASE_URL, else SQLite)
	$(READY)
	@exec $(PYTHON) -m pytest -q --hypothesis-profile=long stoa/apps/ledger/tests/test_machine.py

migrate: ## apply migrations
	$(READY)
	@exec $(PYTHON) manage.py migrate

redis-up: ## a local Redis in the background
	$(READY)
	@exec sh scripts/redis_up.sh

new-app: ## NAME=<name> [FLOOR=<app below>]: an app's skeleton and its line in the contract
	$(READY)
	@exec $(PYTHON) scripts/new_app.py "$(NAME)" $(if $(FLOOR),--floor "$(FLOOR)")
