"""`modelyard simulate`: its arguments."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ops.options import Format, Output, StackFile, StackName
from ops.show import Show
from ops.worlds.places import place_of
from ops.worlds.sandbox import SandboxWorld

EPILOG = "Example:  modelyard simulate --stack prod --pods examples/pods.yaml --no-spot"
Pods = Annotated[
    Path, typer.Option("--pods", help="Manifests, or a list of name, pool, replicas, gpus, cpu, memoryGib.")
]
NoSpot = Annotated[bool, typer.Option("--no-spot", help="Simulate a day without spot capacity.")]


def simulate(
    stack: StackName, pods: Pods, file: StackFile = None, no_spot: NoSpot = False, output: Output = Format.TEXT
) -> int:
    """Ask the real Karpenter which nodes would come for a load, at what price, and what stays pending (exit code 5)."""
    from ops.simulate import command

    show = Show(as_json=output is Format.JSON)
    return command.simulate(place_of(stack, file, SandboxWorld()), pods, show, spot=not no_spot)
