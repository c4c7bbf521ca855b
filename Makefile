# `make` lists the targets. Settings go on the line or in the environment: make run PORT=8080 MODEL=efficientnet-lite0
.DEFAULT_GOAL := help
.ONESHELL:
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(VENV)/run.done ## serve through nginx on PORT (80): does all the set-up the first time
	@.ci/install.sh nginx=nginx-light
	exec $(BIN)/python -m my_inference_app.run

serve: $(VENV)/run.done ## serve with gunicorn alone on APP_PORT (8000)
	@exec $(BIN)/python -m my_inference_app.run --no-nginx

export: $(VENV)/run.done ## make the bundle of MODEL (again)
	@exec $(BIN)/python -m my_inference_app.export

test: $(VENV)/dev.done ## set up, lint, check types, run all tests
	@.ci/install.sh nginx=nginx-light chromium=chromium chromedriver=chromium-driver
	$(MAKE) --no-print-directory check
	exec $(BIN)/pytest

check: $(VENV)/dev.done ## lint and check types, changing nothing
	@$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

lint: $(VENV)/dev.done ## format, and fix what can be fixed
	@$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean: ## remove the virtual environment, bundles and caches
	rm -rf $(VENV) models .mypy_cache .ruff_cache .pytest_cache *.egg-info

$(VENV)/run.done: requirements/serving.txt requirements/export.txt pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing packages into $(VENV) (the first time takes a few minutes)"
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements/serving.txt -r requirements/export.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps -e .
	touch $@

$(VENV)/dev.done: $(VENV)/run.done requirements/development.txt
	@$(BIN)/pip install --quiet --disable-pip-version-check -r requirements/development.txt
	touch $@

.PHONY: help run serve export test check lint clean
