# Each target does its own set-up; a second run starts at once.
.DEFAULT_GOAL := help
.PHONY: help demo test conformance lint bench chaos clean

help:
	@echo "make demo    bring dev up in the sandbox, change it, see a policy refuse a change (no account needed)"
	@echo "make test    every check and test"
	@echo "make conformance   a real API server, Karpenter and Prometheus take what the stacks declare (built the first time)"
	@echo "make lint    only the checks that run nothing"
	@echo "make bench   seconds and memory of previews, against a flat program and as pools grow; 500 registry items"
	@echo "make chaos   44 kills of the engine, the program, the provider and all of them; each must converge"
	@echo "make clean   remove what the sandbox and the tests made (keeps .venv, built tools and what is known of real clusters)"

demo:
	@.ci/venv base
	@.venv/bin/python -m ops.demo

test:
	@.ci/venv dev
	@.ci/test

conformance:
	@.ci/venv dev
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

clean:
	@find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +
	@rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache .bench
	@find .sandbox -mindepth 1 -maxdepth 1 -not -name toolchain -not -name tools -not -name clusters -exec rm -rf {} + 2>/dev/null || true
