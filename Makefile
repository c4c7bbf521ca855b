# `make` lists the targets. Settings go on the line or in the environment: make run PORT=8080 MODEL=efficientnet-lite0
.DEFAULT_GOAL := help
.ONESHELL:
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP = $(BIN)/pip install --quiet --disable-pip-version-check

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(VENV)/run.done ## serve through nginx on PORT (80): does all the set-up the first time
	@.ci/install.sh nginx=nginx-light
	exec $(BIN)/python -m my_inference_app.run

serve: $(VENV)/run.done ## serve with gunicorn alone on APP_PORT (8000)
	@exec $(BIN)/python -m my_inference_app.run --no-nginx

export: $(VENV)/run.done ## make the bundle of MODEL (again)
	@if [ "$${PRECISION:-}" = int8 ]; then $(PIP) -r requirements/quantize.txt; fi
	exec $(BIN)/python -m my_inference_app.export $(ARGS)

evaluate: $(VENV)/run.done ## how often the bundle of MODEL is right on the labelled pictures in DATA
	@$(BIN)/python -m my_inference_app.export.evaluate "$(DATA)"

bench: $(VENV)/dev.done ## measure this service and its peers; results go to benchmarks/results
	@.ci/install.sh nginx=nginx-light wrk=wrk java=openjdk-17-jre-headless
	exec $(BIN)/python -m benchmarks $(ARGS)

bench-engines: $(VENV)/dev.done ## measure one network in every engine
	@exec $(BIN)/python -m benchmarks.engines $(ARGS)

test: $(VENV)/dev.done ## set up, lint, check types, run all tests
	@.ci/install.sh nginx=nginx-light chromium=chromium chromedriver=chromium-driver curl=curl wrk=wrk
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
	$(PIP) -r requirements/serving.txt -r requirements/export.txt
	$(PIP) --no-deps -e .
	touch $@

$(VENV)/dev.done: $(VENV)/run.done requirements/development.txt requirements/quantize.txt post_request/requirements.txt
	@$(PIP) -r requirements/development.txt -r requirements/quantize.txt
	touch $@

.PHONY: help run serve export evaluate bench bench-engines test check lint clean
