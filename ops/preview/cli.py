"""`modelyard report`: what workflows do with reports that a preview has written."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from core.problem import ExitCode, Problem, Refused
from ops.worlds.places import root

app = typer.Typer(name="report", no_args_is_help=True, help="Show, check and post reports that `preview` has written.")

Folder = Annotated[
    Path, typer.Option("--in", help="A folder of reports, <stack>.json each.", file_okay=False, exists=True)
]


@app.command(epilog="Example:  modelyard report show prod.json > prod.md")
def show(file: Annotated[Path, typer.Argument(help="A report as JSON.", dir_okay=False, exists=True)]) -> int:
    """Print a report, checked and cleaned, as Markdown."""
    from ops.report.comment import parse
    from ops.report.fit import fitted
    from ops.report.markdown import markdown

    sys.stdout.write(fitted(parse(file.read_bytes()), markdown))
    return ExitCode.OK


@app.command(epilog="Example:  modelyard report comment --in reports")
def comment(folder: Folder) -> int:
    """Print the comments that `post` would write, after the same checks."""
    from ops.preview import pull_request

    stacks = {file.name.split(".")[1] for file in root().glob("Pulumi.*.yaml")}
    for body in pull_request.comments(folder, stacks).values():
        sys.stdout.write(body)
    return ExitCode.OK


@app.command(epilog="Example:  modelyard report post --in reports")
def post(folder: Folder) -> int:
    """Write or update one comment for each stack on the pull request of this workflow's event."""
    from ops.preview import pull_request

    github, event = pull_request.from_actions(os.environ)
    for line in pull_request.post(github, event, folder, root()):
        sys.stdout.write(f"{line}\n")
    return ExitCode.OK


@app.command(epilog="Example:  modelyard report runner --stack prod")
def runner(stack: Annotated[str, typer.Option("--stack", "-s", help="The stack.")]) -> int:
    """Print the label of the CI runner that deploys a stack, as its file says."""
    from infra.loaded import LoadedStack

    cluster = LoadedStack.read(stack, root() / f"Pulumi.{stack}.yaml").settings.cluster
    if cluster is None:
        raise Refused(Problem(summary="this stack has no cluster in an account, so no runner deploys it", found=stack))
    label = cluster.access.runner_label
    if not label.replace("-", "").replace("_", "").replace(".", "").isalnum():
        raise Refused(Problem(summary="this is no runner's label", where="cluster.access.runnerLabel", found=label))
    sys.stdout.write(f"{label}\n")
    return ExitCode.OK
