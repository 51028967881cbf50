"""Holds a pull request against another checkout: its packs, its guard file, and what its own code reads in the stack file.

The target branch decides what may be deployed, so a change cannot bring along the rules that it is judged by.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from core.problem import ExitCode, Problem, Refused
from ops.preview.owners import Owners
from ops.preview.tree import kind, paths
from ops.report.model import Guarded, JudgingCheckout
from policies.guard.deployed import VARIABLES
from policies.guard.file import NAME

WITHIN_SEC = 120
ALONE = (
    "import runpy, sys; sys.path += [sys.argv.pop(1), sys.argv.pop(1)]; "
    "runpy.run_module(sys.argv.pop(1), run_name='__main__', alter_sys=True)"
)
"""Runs a module from the two folders that it is given, behind every library: no file there can stand in for one."""


def able(judging: Path) -> None:
    """Raises Refused when `judging` is no checkout of this project, or does not say who owns its files."""
    Owners.read(judging)
    if not (judging / "policies" / "run").is_file():
        problem = Problem(summary="this is no checkout that can judge", file=str(judging), allowed="policies/run")
        raise Refused(problem, ExitCode.UNAVAILABLE)


def judged_by(
    judging: Path, root: Path, stack: str, stack_file: Path, deployed: Mapping[str, str] | None = None
) -> JudgingCheckout:
    """What the checkout at `judging` says of the stack file of the checkout at `root`, and how their guarded files differ.

    `deployed` is what the policies are told of what is there, as variables: what is no dearer is not refused here either.
    Raises Refused when `judging` is no checkout of this project.
    """
    able(judging)
    owners = Owners.read(judging)
    differ = list(changed(judging, root, owners))
    unknown, refusals = _read(judging, stack, stack_file, deployed or {})
    return JudgingCheckout(
        revision=_revision(judging),
        changed=differ,
        guardians=owners.guardians(each.path for each in differ),
        unknown=unknown,
        refusals=refusals,
    )


def guard_file(judging: Path) -> Path:
    """The guard file of a judging checkout; one from before the file stood at the top has it among its packs."""
    top, among_packs = judging / NAME, judging / "policies" / NAME
    return among_packs if among_packs.is_file() and not top.is_file() else top


def changed(judging: Path, root: Path, owners: Owners) -> Iterator[Guarded]:
    """Every guarded file in which the two checkouts differ: by its content, by the right to run it, or by being a link."""
    known = frozenset(path.partition("/")[0] for path in paths(judging, frozenset()) if "/" in path)
    sides = [(each, {path for path in paths(each, known) if owners.guards(path)}) for each in (judging, root)]
    for path in sorted(set[str]().union(*(found for _, found in sides))):
        theirs, ours = (kind(checkout / path) if path in found else None for checkout, found in sides)
        if theirs != ours:
            yield Guarded(path=path, how="added" if theirs is None else "removed" if ours is None else "changed")


def _read(judging: Path, stack: str, stack_file: Path, deployed: Mapping[str, str]) -> tuple[list[str], list[str]]:
    """The stack file as the judging checkout's own Specs, prices and ceilings take it: what it does not know, what it refuses."""
    own = judging / ".venv" / "bin" / "python"
    python = str(own) if own.is_file() else sys.executable
    places = [str(judging.resolve()), str(judging.resolve() / "contract")]
    # -I: nothing that stands in the caller's folder, variables or home is imported.
    run = [python, "-I", "-c", ALONE, *places, "ops.cli"]
    command = [*run, "cost", "--stack", stack, "--file", str(stack_file.resolve())]
    # Only what this run has read from the state counts as deployed, whatever stands in the environment already.
    own_env = {key: value for key, value in os.environ.items() if key not in VARIABLES}
    env = {**own_env, **deployed}
    try:
        done = subprocess.run(
            [*command, "--format", "json"],
            cwd=judging,
            env=env,
            capture_output=True,
            text=True,
            check=False,
            timeout=WITHIN_SEC,
        )
        said: Any = json.loads(done.stdout)
    except (ValueError, OSError, subprocess.TimeoutExpired):
        return ["the judging checkout cannot read this stack file at all"], []
    if isinstance(said, list):
        return [": ".join(filter(None, (each.get("where", ""), each["summary"]))) for each in said], []
    return [], [str(refusal).splitlines()[0] for refusal in said["refusals"]]


def _revision(checkout: Path) -> str:
    done = subprocess.run(
        ["git", "rev-parse", "--short=12", "HEAD"], cwd=checkout, capture_output=True, text=True, check=False
    )
    return done.stdout.strip() or checkout.name
