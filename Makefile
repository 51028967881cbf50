# Each target does its own set-up; a second run starts at once.
.DEFAULT_GOAL := help
.PHONY: help demo test lint clean

help:
	@echo "make demo    bring dev up in the sandbox, change it, see a policy refuse a change (no account needed)"
	@echo "make test    every check and test"
	@echo "make lint    only the checks that run nothing"
	@echo "make clean   remove what the sandbox and the tests made (keeps the toolchain and .venv)"

demo:
	@.ci/venv base
	@.venv/bin/python -m ops.demo

test:
	@.ci/venv dev
	@.ci/test

lint:
	@.ci/venv dev
	@.ci/lint

clean:
	@find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +
	@rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache .bench
	@find .sandbox -mindepth 1 -maxdepth 1 -not -name toolchain -exec rm -rf {} + 2>/dev/null || true
