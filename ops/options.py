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


StackName = Annotated[
    str, typer.Option("--stack", "-s", envvar="MODELYARD_STACK", help="The stack: Pulumi.<STACK>.yaml describes it.")
]
StackFile = Annotated[
    Path | None, typer.Option("--file", help="Another file in place of Pulumi.<STACK>.yaml, for a try.", dir_okay=False)
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
    Path | None, typer.Option("--faults", help="Sandbox only: a file of faults that the clouds play.", exists=True)
]


@app.command(
    epilog="Examples:  modelyard preview --stack dev   |   modelyard preview -s prod --format html --out prod.html"
)
def preview(
    stack: StackName,
    file: StackFile = None,
    form: Annotated[Form, typer.Option("--format", help="terminal, md, json or html.")] = Form.TERMINAL,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Write the report to this file.")] = None,
    sandbox: Sandbox = False,
    cloud: Cloud = False,
    kubeconfig: Kubeconfig = None,
) -> int:
    """Report what `up` would do, what it would cost and what the policies say, changing nothing."""
    paper, output = Paper(form=form, out=out), Format.JSON if form is Form.JSON else Format.TEXT
    world = choose(sandbox=sandbox, cloud=cloud, ci=_in_ci(), kubeconfig=kubeconfig)
    try:
        job = _job(stack, file, sandbox, cloud, output, kubeconfig=kubeconfig, ask=False)
    except Refused as refused:
        if refused.code is ExitCode.USAGE:
            raise
        return reporting.unable(_place(stack, file, world, kubeconfig), refused, Show(), paper)
    return reporting.preview(job, paper)
