# `make help` lists the targets. Everything a target needs, it sets up itself.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
PY := .venv/bin/python
export PATH := $(CURDIR)/.venv/bin:$(PATH)

.PHONY: help venv checks test crds lock lint types layers

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

venv: ## the workbench: .venv with locked dependencies
	@hack/venv.sh

lock: venv ## pin the dependencies anew
	@hack/lock.sh

lint: venv
	@ruff check . && ruff format --check .

types: venv
	@mypy

layers: venv
	@lint-imports

checks: lint types layers ## the fast checks: lint, types, layers
