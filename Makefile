# Each target does its own set-up; a second run starts at once.
.DEFAULT_GOAL := help
.PHONY: help demo test conformance lint bench chaos lab-ab lab-deploy lab-registry clean

help:
	@echo "make demo    bring dev up in the sandbox, change it, see a policy refuse a change (no account needed)"
	@echo "make test    every check and test"
	@echo "make conformance   a real API server, a node with pods, Karpenter and Prometheus take what the stacks declare (built once)"
	@echo "make lint    only the checks that run nothing"
	@echo "make bench   seconds and memory of previews, against a flat program and as pools grow; 500 registry items"
	@echo "make chaos   44 kills of the engine, the program, the provider and all of them; each must converge"
	@echo "make lab-registry  fine-tune a small model in three ways, tracked in MLflow, and see which is better (ARGS=--short: quickly)"
	@echo "make lab-ab  compare two system prompts on simulated users, through app, Envoy and a real model (ARGS='--users 200')"
	@echo "make lab-deploy   a change to the app goes out by a canary on a real node, a bad one is taken back (Linux, root; ARGS=--short: shorter steps)"
	@echo "make clean   remove what the sandbox and the tests made (keeps .venv, built tools and what is known of real clusters)"

demo:
	@.ci/venv base
	@.venv/bin/python -m ops.demo

test:
	@.ci/venv dev
	@.ci/test

conformance:
	@.ci/venv dev
	@.ci/venv labs
	@.ci/conformance

lint:
	@.ci/venv dev
	@.ci/lint

bench:
	@.ci/venv dev
	@.venv/bin/python -m tests.bench.run
	@.venv/bin/python -m tests.bench.objects
	@.venv/bin/python -m tests.bench.autoscaler
	@.venv/bin/python -m tests.bench.registry

chaos:
	@.ci/venv dev
	@.venv/bin/python -u -m tests.chaos.run

lab-registry:
	@.ci/venv labs
	@.venv/bin/python -m labs.registry $(ARGS)

lab-ab:
	@.ci/venv labs
	@if [ -z "$(findstring --target,$(ARGS))$(findstring --help,$(ARGS))" ]; then .ci/packages; fi
	@.venv/bin/python -m labs.ab $(ARGS)

lab-deploy:
	@.ci/venv dev
	@if [ -z "$(findstring --help,$(ARGS))" ]; then .ci/packages; fi
	@.venv/bin/python -m labs.deploy $(ARGS)

clean:
	@for each in .sandbox/nodes/*/; do [ ! -d "$$each" ] || .venv/bin/modelyard cluster stop --name "$$(basename "$$each")" 2>/dev/null || true; done
	@find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +
	@rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache .bench
	@find .sandbox -mindepth 1 -maxdepth 1 -not -name toolchain -not -name tools -not -name clusters -exec rm -rf {} + 2>/dev/null || true
