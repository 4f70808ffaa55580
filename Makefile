# Little Service. `make demo` is the place to begin; `make help` lists the rest.
SHELL := /bin/sh
.DEFAULT_GOAL := help
# Ansible's modules and Molecule look for their programs on the PATH.
export PATH := $(CURDIR)/.venv/bin:$(PATH)
# Where Python may keep what it compiled, Ansible and boto3 start in a fraction of the time.
unexport PYTHONDONTWRITEBYTECODE
export ANSIBLE_FORCE_COLOR ?= $(shell test -t 1 && echo 1)

.PHONY: help setup demo demo-aws sandbox sandbox-stop test test-unit test-all verify-aws lint lock bench clean

help: ## Show what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## Make .venv from the hashed lock, with the newest Python here
	@bin/setup

demo: ## From nothing to a service that answers, on this machine
	@bin/demo

demo-aws: setup ## The whole path to AWS on this machine, with containers: release, rollback, teardown; keep=true leaves it standing
	@bin/demo-aws $(keep)

sandbox: setup ## AWS's control plane on this machine, in this terminal; mode=live runs containers too
	@bin/sandbox run $(if $(mode),--mode $(mode))

sandbox-stop: ## Stop the sandbox; what stands in it is gone
	@bin/sandbox stop

test: setup ## All that CI runs: lint, Molecule, pytest
	@bin/test

verify-aws: setup ## The whole life on a real account: account=123456789012 github=owner/repository [region= size= limit=]
	@bin/verify-aws "$(account)" "$(github)" "$(or $(region),us-west-2)" "$(or $(size),small)" "$(or $(limit),60)"

test-all: setup ## The same, with every point at which a run can be killed, and the tests that take minutes each
	@FAULT_POINTS=all bin/test && pytest -m full

test-unit: setup ## What needs no Docker, in seconds
	@pytest -q -m "not docker and not full"

lint: setup ## Every linter, and the checks of the house
	@bin/lint

lock: setup ## Renew the locks: ours, and the one that services are born with
	uv pip compile --universal --generate-hashes --python-version 3.11 --no-emit-index-url --no-header --upgrade --quiet requirements.in -o requirements.lock
	bin/lock-template

bench: setup ## The figures of docs/benchmarks.md
	@python -m benchmarks

clean: ## Remove .venv, caches and reports; services and their data stay
	rm -rf .venv .ansible .cache .mypy_cache .pytest_cache .ruff_cache reports
	find . -name __pycache__ -not -path './services/*' -type d -prune -exec rm -rf {} +
