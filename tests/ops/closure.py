"""What judges: every module that a gate's processes import, and every file of ours that they open."""

from __future__ import annotations

import functools
import json
import subprocess
import sys
import tomllib
from pathlib import Path

import grimp

from tests.roots import ROOT

STARTS = ("ops.cli", "policies.__main__", "policies.budget.__main__", "policies.security.__main__", "infra.__main__")
"""The commands, the packs' processes, and the program as the engine's language host starts it."""
RUN_BY_CI = (
    ".github/CODEOWNERS", ".github/workflows/preview.yml", ".github/workflows/comment.yml", ".github/workflows/deploy.yml",
    ".github/workflows/deploy-stack.yml", ".ci/venv", "requirements/base.txt", "pyproject.toml", "contract/pyproject.toml",
    "guard.yaml", "Pulumi.yaml", "Makefile", "policies/run", "policies/PulumiPolicy.yaml",
    "mlflow_provider/pulumi-resource-modelyard",
)  # fmt: skip
"""What no import shows: what the workflows and the engine run, and what they install."""
_WATCHED = """
import json, os, sys
seen = set()
def watch(event, found):
    if event == "open" and isinstance(found[0], (str, bytes)):
        seen.add(os.path.abspath(os.fsdecode(found[0])))
sys.addaudithook(watch)
sys.path[:0] = sys.argv[1:3]
{work}
print(json.dumps(sorted(seen)), file=sys.__stderr__)
"""
_WORK = {
    "packs": "from policies.packs import rules; from policies.process import read_ahead\n"
    "from policies.guard.file import load; from pathlib import Path\nrules(); read_ahead(); load(Path('guard.yaml'))",
    "reports": "from ops import cli\nfor stack in ('dev', 'local'):\n"
    "    cli.run(['cost', '--stack', stack, '--format', 'html'])",
    "declared": "from ops import cli; import tempfile\nfor stack in ('prod',):\n"
    "    with tempfile.TemporaryDirectory() as out: cli.run(['render', '--stack', stack, '--out', out + '/r'])",
}


@functools.cache
def modules() -> frozenset[str]:
    """Every module of ours that one of the starts stands on, itself included."""
    rooms = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["root_packages"]
    graph = grimp.build_graph(*rooms)
    return frozenset(STARTS).union(*(graph.find_upstream_modules(start) for start in STARTS))


@functools.cache
def opened() -> frozenset[str]:
    """Every file of this repository that the processes open, from the top; caches, and what is made on the machine, left out."""
    found: set[str] = set()
    for work in _WORK.values():
        command = [sys.executable, "-I", "-c", _WATCHED.format(work=work), str(ROOT), str(ROOT / "contract")]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        found |= set(json.loads(done.stderr.strip().splitlines()[-1]))
    inside = {
        Path(each).relative_to(ROOT) for each in found if Path(each).is_relative_to(ROOT) and Path(each).is_file()
    }
    return frozenset(
        each.as_posix() for each in inside if each.suffix != ".pyc" and each.parts[0] not in (".venv", ".git")
    )


@functools.cache
def data() -> frozenset[str]:
    """Every file without code that lies in a folder of the modules: some command may open it, whether a test saw it or not."""
    rooms = {module.partition(".")[0] for module in modules()}
    tracked = subprocess.run(["git", "ls-files", *rooms], cwd=ROOT, capture_output=True, text=True, check=True)
    return frozenset(each for each in tracked.stdout.splitlines() if not each.endswith(".py"))


@functools.cache
def files() -> tuple[str, ...]:
    """Every file of the closure: modules, data, and what CI runs."""
    code = {_file(module) for module in modules()} - {""}
    return tuple(sorted({*code, *data(), *opened() - judged(), *RUN_BY_CI}))


@functools.cache
def judged() -> frozenset[str]:
    """What the processes open because it is what they judge: the stack files, and what those name."""
    return frozenset(
        each
        for each in opened()
        if each.startswith(("prompts/", "releases/")) or (each.startswith("Pulumi.") and each.count(".") == 2)
    )


def _file(module: str) -> str:
    path = ROOT / module.replace(".", "/")
    own = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return own.relative_to(ROOT).as_posix() if own.is_file() else ""
