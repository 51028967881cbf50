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
from ops.report.model import Guarded, JudgingCheckout
from policies.guard.deployed import VARIABLES
from policies.guard.file import NAME

OWNERS = Path(".github") / "CODEOWNERS"
WITHIN_SEC = 120


def able(judging: Path) -> None:
    """Raises Refused when `judging` is no checkout of this project."""
    if not guarded(judging) or not (judging / "policies" / "run").is_file():
        problem = Problem(
            summary="this is no checkout that can judge", file=str(judging), allowed=f"policies/run, {OWNERS}"
        )
        raise Refused(problem, ExitCode.UNAVAILABLE)


def judged_by(
    judging: Path, root: Path, stack: str, stack_file: Path, deployed: Mapping[str, str] | None = None
) -> JudgingCheckout:
    """What the checkout at `judging` says of the stack file of the checkout at `root`, and how their guarded files differ.

    `deployed` is what the policies are told of what is there, as variables: what is no dearer is not refused here either.
    Raises Refused when `judging` is no checkout of this project.
    """
    able(judging)
    patterns = guarded(judging)
    unknown, refusals = _read(judging, stack, stack_file, deployed or {})
    return JudgingCheckout(
        revision=_revision(judging),
        changed=list(changed(judging, root, patterns)),
        unknown=unknown,
        refusals=refusals,
    )


def guard_file(judging: Path) -> Path:
    """The guard file of a judging checkout; one from before the file stood at the top has it among its packs."""
    top, among_packs = judging / NAME, judging / "policies" / NAME
    return among_packs if among_packs.is_file() and not top.is_file() else top


def guarded(checkout: Path) -> list[str]:
    """The paths that a checkout's code owners guard, as folders (with a slash) and files."""
    try:
        lines = (checkout / OWNERS).read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    paths = (line.split()[0] for line in lines if line.strip() and not line.lstrip().startswith("#"))
    return [path.lstrip("/") for path in paths]


def guards(patterns: list[str], path: str) -> bool:
    """Whether one of the patterns guards a file of the repository."""
    return any(path == pattern or (pattern.endswith("/") and path.startswith(pattern)) for pattern in patterns)


def changed(judging: Path, root: Path, patterns: list[str]) -> Iterator[Guarded]:
    """Every guarded file in which the two checkouts differ."""
    theirs, ours = (
        {path: file for pattern in patterns for path, file in _files(each, pattern)} for each in (judging, root)
    )
    for path in sorted({*theirs, *ours}):
        if path not in ours or path not in theirs:
            yield Guarded(path=path, how="removed" if path not in ours else "added")
        elif theirs[path].read_bytes() != ours[path].read_bytes():
            yield Guarded(path=path, how="changed")


def _files(checkout: Path, pattern: str) -> Iterator[tuple[str, Path]]:
    place = checkout / pattern
    paths = sorted(place.rglob("*")) if pattern.endswith("/") else [place]
    for file in paths:
        if file.is_file() and "__pycache__" not in file.parts:
            yield file.relative_to(checkout).as_posix(), file


def _read(judging: Path, stack: str, stack_file: Path, deployed: Mapping[str, str]) -> tuple[list[str], list[str]]:
    """The stack file as the judging checkout's own Specs, prices and ceilings take it: what it does not know, what it refuses."""
    own = judging / ".venv" / "bin" / "python"
    python = str(own) if own.is_file() else sys.executable
    command = [python, "-P", "-m", "ops.cli", "cost", "--stack", stack, "--file", str(stack_file.resolve())]
    paths = os.pathsep.join([str(judging.resolve()), str(judging.resolve() / "contract")])
    # Only what this run has read from the state counts as deployed, whatever stands in the environment already.
    own_env = {key: value for key, value in os.environ.items() if key not in VARIABLES}
    env = {**own_env, **deployed, "PYTHONPATH": paths}
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
