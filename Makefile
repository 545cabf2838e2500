# `make help` lists the targets. Everything a target needs, it sets up itself.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
PY := .venv/bin/python
SCRIPTS := $(wildcard hack/*.sh .ci/run) $(addprefix hack/cluster/,up down status env binaries)
GENERATED := --out crds --chart helm/tradefleet/crds --docs docs/reference
export PATH := $(CURDIR)/.venv/bin:$(PATH)

.PHONY: help setup venv lock lint shell types layers checks drift test demo demo-down cluster cluster-down images zoo bench bench-bot bench-sim bench-operator bench-cluster bench-road

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

setup: ## what a fresh machine lacks: packages and helm
	@hack/setup.sh

venv: ## the workbench: .venv with locked dependencies
	@hack/venv.sh

lock: venv ## pin the dependencies anew
	@hack/lock.sh

lint: venv shell
	@ruff check . && ruff format --check .

shell:
	@if command -v shellcheck >/dev/null; then shellcheck -xa $(SCRIPTS); else echo "shellcheck is missing (make setup installs it): the scripts are not checked"; fi

types: venv
	@mypy

layers: venv
	@lint-imports

drift: venv
	@tradefleet crds --check $(GENERATED)

checks: lint types layers drift ## the fast checks: lint, types, layers, generated files

test: setup checks cluster images ## everything CI runs; pytest's closing line comes last
	@pytest --cov --cov-report=term

demo: ## the whole road in a real cluster; SIM_RECORDING=FILE plays a recording of the real market
	@hack/demo.sh

demo-down: ## take the demo and its cluster down (what was built stays in the cache)
	@hack/demo-down.sh

cluster: setup ## a real kind cluster with volumes and a local image registry
	@hack/cluster/up

cluster-down: ## remove it (what was built stays in the cache)
	@hack/cluster/down

images: setup ## the images, in the local registry, named by digest
	@hack/images.sh

crds: venv ## write crds/*.yaml, the chart's copy and docs/reference from the types
	@tradefleet crds $(GENERATED)

zoo: venv ## train the example models anew (about two minutes) and write their digests to models/zoo/index.json and examples/
	@set -e; for name in $(basename $(notdir $(wildcard models/configs/*.toml))); do \
	  nice -n 10 tradefleet models train --config "models/configs/$$name.toml" --out "models/zoo/$$name.tar"; done
	@tradefleet models index models/zoo
	@hack/examples.py

bench: bench-bot bench-sim bench-operator bench-cluster bench-road ## every benchmark, one JSON object a line

bench-bot: venv ## decode, features, inference, engine, tick to order, replay, memory
	@for file in decode features inference engine bot; do python benchmarks/$$file.py; done

bench-sim: venv ## the simulator: start-up, market events
	@python benchmarks/sim.py

bench-operator: setup venv ## memory and requests with 1 and 200 bots on a real API server
	@python benchmarks/bench_operator.py

bench-road: ## apply_to_first_decision in the real cluster
	@DEMO_UNTIL=install hack/demo.sh >&2
	@eval "$$(hack/cluster/env)" && python benchmarks/road.py

bench-cluster: setup venv ## cluster_create and images_build (deletes the cluster and makes it anew)
	@python benchmarks/cluster.py
