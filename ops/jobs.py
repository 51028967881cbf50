"""What a command works on, made from the options that it was given."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import typer

from core.inert import visible
from core.problem import ExitCode, Problem, Refused
from ops import commands
from ops.commands import Job
from ops.options import Format
from ops.show import Show
from ops.worlds.choose import choose
from ops.worlds.places import place_of


def job_of(
    stack: str,
    file: Path | None,
    sandbox: bool,
    cloud: bool,
    output: Format,
    *,
    ask: bool,
    kubeconfig: Path | None = None,
    faults: Path | None = None,
) -> Job:
    """The job that a command's options ask for; `ask` is whether a person confirms a change. Raises Refused."""
    world = choose(sandbox=sandbox, cloud=cloud, ci=in_ci(), kubeconfig=kubeconfig)
    place = place_of(stack, file, world)
    if file is not None and not world.simulated:
        raise Refused(
            Problem(summary="--file is for trying a change in the sandbox", fix=f"leave out --{world.name} or --file"),
            ExitCode.USAGE,
        )
    show = Show(as_json=output is Format.JSON)
    return Job(
        place=place,
        program=commands.program(place),
        packs=commands.packs(place),
        show=show,
        confirm=_asker() if ask and not world.simulated else lambda _: True,
        faults=faults,
    )


def in_ci() -> bool:
    """Whether this runs in a CI job, where nobody is asked and no world is guessed."""
    return os.environ.get("CI", "").lower() in {"1", "true"}


def _asker() -> Callable[[str], bool]:
    if not sys.stdin.isatty():
        raise Refused(
            Problem(
                summary="this changes the account or the cluster, and there is no terminal to ask on", fix="add --yes"
            ),
            ExitCode.USAGE,
        )
    return lambda question: typer.confirm(visible(question))
