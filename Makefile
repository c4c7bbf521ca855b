# `make` lists the targets. Settings go on the line, in the environment or in a file .env:
# make run PORT=8080 MODEL=efficientnet-lite0
.DEFAULT_GOAL := help
.ONESHELL:
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c

# The packages are installed without bytecode: where Python may not keep what it compiles, each start would compile them.
unexport PYTHONDONTWRITEBYTECODE

VENV := .venv
# Programs are started as modules: scripts in bin/ name the folder that they were installed in.
PYTHON3 := $(VENV)/bin/python
ENVIRONMENT := .ci/environment.sh $(VENV)
# Some packages are needed for one setting only, which may also be in .env.
setting = $(or $($1),$(shell sed -n 's/^ *\(export  *\)\{0,1\}$1 *= *//p' .env 2>/dev/null | tail -n 1))
READY = $(strip $(ENVIRONMENT) run $(if $(filter int8 "int8" 'int8',$(firstword $(call setting,PRECISION))),int8) \
	$(if $(filter-out "" '',$(firstword $(call setting,OTEL_EXPORTER_OTLP_ENDPOINT))),tracing) \
	$(if $(filter 1 true yes "1" '1',$(firstword $(call setting,TEACH))),teach) \
	$(if $(filter ray "ray" 'ray',$(firstword $(call setting,ENGINE))),ray))
READY_TO_TEST := $(ENVIRONMENT) run int8 tracing batch teach ray dev notebook

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: ## serve through nginx on PORT (80); installs everything the first time
	@INSTEAD='run without it, for development: make serve' .ci/install.sh nginx=nginx-light
	$(READY)
	exec $(PYTHON3) -m my_inference_app.run

run-ray: ## serve like `make run`, computing on the Ray cluster at RAY_ADDRESS, or on a local Ray
	@exec $(MAKE) --no-print-directory run ENGINE=ray

serve: ## serve with gunicorn alone on APP_PORT (8000), for development
	@$(READY)
	exec $(PYTHON3) -m my_inference_app.run --no-nginx

reload: ## make the running `make run` take the new bundle or code, without losing a request
	@exec $(PYTHON3) -m my_inference_app.run --reload

export: ## make the bundle of MODEL (again)
	@$(READY)
	exec $(PYTHON3) -m my_inference_app.export $(ARGS)

evaluate: ## measure how often the bundle of MODEL is right on the labelled images in DATA
	@$(READY)
	exec $(PYTHON3) -m my_inference_app.export.evaluate "$(DATA)"

calibrate: ## make the bundle of MODEL say how sure it is, from the labelled photos in DATA
	@$(READY)
	exec $(PYTHON3) -m my_inference_app.calibrate "$(DATA)" $(ARGS)

batch: ## classify the images of SOURCE (a folder, list, tar or Parquet file) into the Parquet file OUT
	@$(READY) batch
	exec $(PYTHON3) -m my_inference_app.batch "$(SOURCE)" --out "$(OUT)" $(ARGS)

teach: ## make a classifier NAME of the photos in PHOTOS, a folder for each class; MODEL is its network
	@$(READY) teach
	[ "$(call setting,MODEL)" = "$(NAME)" ] || export BUNDLE=$${BUNDLE:-$$($(PYTHON3) -m my_inference_app.export --if-missing $(if $(call setting,MODEL),,--fallback efficientnet-lite0))}
	exec $(PYTHON3) -m my_inference_app.teach "$(PHOTOS)" --name "$(NAME)" $(ARGS)

bench: ## measure this service and its peers; results go to benchmarks/results
	@$(READY_TO_TEST)
	.ci/install.sh nginx=nginx-light wrk=wrk java=openjdk-17-jre-headless
	exec $(PYTHON3) -m benchmarks $(ARGS)

bench-layouts: ## measure this service with other numbers of processes, threads and images a batch
	@$(READY_TO_TEST)
	.ci/install.sh nginx=nginx-light wrk=wrk
	exec $(PYTHON3) -m benchmarks.layouts $(ARGS)

bench-extremes: ## measure this service with too many, slow and large requests
	@$(READY_TO_TEST)
	.ci/install.sh nginx=nginx-light wrk=wrk
	exec $(PYTHON3) -m benchmarks.extremes $(ARGS)

bench-breadth: ## measure what a second model and other protocols cost
	@$(READY_TO_TEST)
	.ci/install.sh nginx=nginx-light wrk=wrk
	exec $(PYTHON3) -m benchmarks.breadth $(ARGS)

bench-engines: ## measure one network in every engine
	@$(READY_TO_TEST)
	exec $(PYTHON3) -m benchmarks.engines $(ARGS)

bench-cache: ## measure the cache of results, by the share of images that repeat
	@$(READY_TO_TEST)
	.ci/install.sh nginx=nginx-light wrk=wrk
	exec $(PYTHON3) -m benchmarks.cache $(ARGS)

notebook: ## run post_request/try_the_service.py against the service at SERVICE_URL, and write the notebook
	@$(ENVIRONMENT) run notebook
	exec $(PYTHON3) post_request/make_notebook.py

soak: ## ten minutes of mixed load with restarts: fails if a request is lost or anything grows
	@$(READY_TO_TEST)
	.ci/install.sh nginx=nginx-light
	exec $(PYTHON3) -m benchmarks.soak $(ARGS)

audit: ## look for known vulnerabilities in the installed packages; needs the network
	@$(READY_TO_TEST)
	.ci/environment.sh $(VENV)/audit audit
	exec .ci/audit.sh $(VENV)

test: ## install everything, lint, check types, run all tests
	@$(READY_TO_TEST)
	.ci/install.sh nginx=nginx-light chromium=chromium chromedriver=chromium-driver curl=curl wrk=wrk promtool=prometheus node=nodejs npm=npm
	.ci/npm.sh tests/clients
	.ci/npm.sh tests/browser
	$(MAKE) --no-print-directory check
	exec $(PYTHON3) -m pytest

screenshots: ## make the pictures of the page in docs/pictures again
	@$(READY_TO_TEST)
	.ci/install.sh nginx=nginx-light chromium=chromium chromedriver=chromium-driver
	exec $(PYTHON3) -m tests.browser.screenshots

check: ## lint and check types, changing nothing
	@$(READY_TO_TEST)
	$(PYTHON3) -m ruff format --check .
	$(PYTHON3) -m ruff check .
	$(PYTHON3) -m mypy

lint: ## format, and fix what can be fixed
	@$(READY_TO_TEST)
	$(PYTHON3) -m ruff format .
	$(PYTHON3) -m ruff check --fix .

clean: ## remove the virtual environment, bundles and caches
	rm -rf $(VENV) models .mypy_cache .ruff_cache .pytest_cache *.egg-info

images: ## build the container images, with Docker or else with buildah
	@exec containers/images.sh build $(TARGET)

push: ## push the container images to HUB_USER's repository
	@exec containers/images.sh push $(TARGET)

up: ## start the containers, and wait until they are healthy
	@exec containers/up.sh

down: ## stop and remove the containers
	@exec containers/compose.sh down

logs: ## show the logs of the containers
	@exec containers/compose.sh logs --follow

sbom: ## print the packages of a container image, IMAGE, as CycloneDX JSON
	@$(READY_TO_TEST) >&2
	exec $(PYTHON3) containers/sbom.py "$(or $(IMAGE),$(shell containers/images.sh name))"

test-containers: ## build the container images from nothing, and test them; needs root
	@$(READY_TO_TEST)
	.ci/install.sh nginx=nginx-light buildah=buildah debootstrap=debootstrap runc=runc ip=iproute2 docker-compose=docker-compose
	TEST_CONTAINERS=1 exec $(PYTHON3) -m pytest -s tests/containers

.PHONY: help run run-ray serve reload export evaluate calibrate batch teach bench bench-layouts bench-extremes bench-breadth bench-engines bench-cache notebook soak audit test screenshots check lint clean
.PHONY: images push up down logs sbom test-containers
