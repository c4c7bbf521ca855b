# `make` lists the targets. Settings go on the line or in the environment: make run PORT=8080 MODEL=efficientnet-lite0
.DEFAULT_GOAL := help
.ONESHELL:
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP = $(BIN)/pip install --quiet --disable-pip-version-check

# What quantises is large, and needed for int8 alone.
READY := $(VENV)/run.done $(if $(filter int8,$(PRECISION)),$(VENV)/int8.done)

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(READY) ## serve through nginx on PORT (80): does all the set-up the first time
	@.ci/install.sh nginx=nginx-light
	exec $(BIN)/python -m my_inference_app.run

serve: $(READY) ## serve with gunicorn alone on APP_PORT (8000)
	@exec $(BIN)/python -m my_inference_app.run --no-nginx

export: $(READY) ## make the bundle of MODEL (again)
	@exec $(BIN)/python -m my_inference_app.export $(ARGS)

evaluate: $(READY) ## how often the bundle of MODEL is right on the labelled pictures in DATA
	@$(BIN)/python -m my_inference_app.export.evaluate "$(DATA)"

bench: $(VENV)/dev.done ## measure this service and its peers; results go to benchmarks/results
	@.ci/install.sh nginx=nginx-light wrk=wrk java=openjdk-17-jre-headless
	exec $(BIN)/python -m benchmarks $(ARGS)

bench-layouts: $(VENV)/dev.done ## measure this service with its processes, threads and batches laid out in other ways
	@.ci/install.sh nginx=nginx-light wrk=wrk
	exec $(BIN)/python -m benchmarks.layouts $(ARGS)

bench-extremes: $(VENV)/dev.done ## measure this service with too many, slow and large requests
	@.ci/install.sh nginx=nginx-light wrk=wrk
	exec $(BIN)/python -m benchmarks.extremes $(ARGS)

bench-engines: $(VENV)/dev.done ## measure one network in every engine
	@exec $(BIN)/python -m benchmarks.engines $(ARGS)

soak: $(VENV)/dev.done ## ten minutes of everything at once, restarts too: is an answer lost, does anything grow?
	@.ci/install.sh nginx=nginx-light
	exec $(BIN)/python -m benchmarks.soak $(ARGS)

audit: $(VENV)/audit.done ## ask for known vulnerabilities in what is installed; needs the network
	@exec .ci/audit.sh $(VENV)

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

$(VENV)/int8.done: $(VENV)/run.done requirements/quantize.txt
	@$(PIP) -r requirements/quantize.txt
	touch $@

$(VENV)/dev.done: $(VENV)/int8.done requirements/development.txt post_request/requirements.txt
	@$(PIP) -r requirements/development.txt
	touch $@

# In an environment of its own: it would bring a dozen packages into the one that it looks at.
$(VENV)/audit.done: $(VENV)/dev.done requirements/audit.txt
	@$(PYTHON) -m venv $(VENV)/audit
	$(VENV)/audit/bin/pip install --quiet --disable-pip-version-check -r requirements/audit.txt
	touch $@

.PHONY: help run serve export evaluate bench bench-layouts bench-extremes bench-engines soak audit test check lint clean
