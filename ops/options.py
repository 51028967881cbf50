"""The options that several commands take, each written once: how a stack, a world and a reader are named."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import Annotated

import typer


class Format(enum.Enum):
    """Who reads standard output."""

    TEXT = "text"
    JSON = "json"


class CostFormat(enum.Enum):
    """Who reads the cost report."""

    TABLE = "table"
    JSON = "json"
    MD = "md"
    HTML = "html"


class DeployedFormat(enum.Enum):
    """Who reads what is deployed: a person, a machine, or the command that a shell is about to start."""

    TEXT = "text"
    JSON = "json"
    ENV = "env"


class CompareFormat(enum.Enum):
    """Who reads a comparison of versions."""

    TEXT = "text"
    JSON = "json"
    MD = "md"
    HTML = "html"


StackName = Annotated[
    str, typer.Option("--stack", "-s", envvar="MODELYARD_STACK", help="The stack: Pulumi.<STACK>.yaml describes it.")
]
StackFile = Annotated[
    Path | None, typer.Option("--file", help="Use this file instead of Pulumi.<STACK>.yaml.", dir_okay=False)
]
Sandbox = Annotated[
    bool, typer.Option("--sandbox", help="Simulated clouds on this machine (the default, but not in CI).")
]
Cloud = Annotated[bool, typer.Option("--cloud", help="The real AWS account, with the official Pulumi CLI.")]
Kubeconfig = Annotated[
    Path | None,
    typer.Option("--kubeconfig", help="The real cluster of this file's current context; AWS parts stay simulated."),
]
Output = Annotated[Format, typer.Option("--format", help="text for a person, json for a machine.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before the account or the cluster is changed.")]
Faults = Annotated[
    Path | None, typer.Option("--faults", help="Sandbox only: a file of faults to inject into the clouds.", exists=True)
]
