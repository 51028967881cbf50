"""The `modelyard` command: arguments in, one exit code out, and never a traceback for what a person did."""

from __future__ import annotations

import contextlib
import functools
import itertools
import os
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from core.inert import visible
from core.problem import ExitCode, Problem, Refused
from infra.loaded import LoadedStack
from ops import commands, shell
from ops.cluster import cli as cluster_cli
from ops.doctor import command as diagnosis
from ops.exit_codes import exit_code_of
from ops.images import cli as images_cli
from ops.jobs import in_ci, job_of
from ops.options import (
    Cloud,
    CostFormat,
    DeployedFormat,
    Faults,
    Format,
    Kubeconfig,
    Output,
    Sandbox,
    StackFile,
    StackName,
    Yes,
)
from ops.preview import base_checkout
from ops.preview import cli as report_cli
from ops.preview import command as reporting
from ops.preview.command import Form, Paper
from ops.prices import cli as prices_cli
from ops.recover import command as recovery
from ops.registry import cli as registry_cli
from ops.release import cli as release_cli
from ops.show import Show
from ops.simulate import cli as simulate_cli
from ops.worlds.choose import choose, sandbox_or_cloud
from ops.worlds.kubeconfig import KubeconfigWorld
from ops.worlds.places import place_of, root
from ops.worlds.sandbox import SandboxWorld
from policies.guard.deployed import Deployed, told

app = typer.Typer(
    name="modelyard",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    help="An LLM platform as code. Without --cloud or --kubeconfig, everything happens in a sandbox with simulated clouds.",
    epilog="Examples:  [bold]modelyard up --stack dev[/]   [bold]modelyard preview --stack prod[/]   "
    "[bold]modelyard up --stack dev --cloud[/]",
)

app.add_typer(cluster_cli.app)
app.add_typer(registry_cli.registry)
app.add_typer(registry_cli.models)
app.add_typer(release_cli.app)
app.add_typer(report_cli.app)
app.add_typer(prices_cli.app)
app.add_typer(images_cli.app)
app.command(epilog=simulate_cli.EPILOG)(simulate_cli.simulate)


@app.command(
    epilog="Examples:  modelyard preview --stack dev   |   modelyard preview -s prod --format html --out prod.html"
)
def preview(
    stack: StackName,
    file: StackFile = None,
    form: Annotated[Form, typer.Option("--format", help="terminal, md, json or html.")] = Form.TERMINAL,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Write the report to this file.")] = None,
    judge: Annotated[
        Path | None,
        typer.Option(
            "--judge", help="The checkout whose packs, guard file, Specs and prices judge the change.", file_okay=False
        ),
    ] = None,
    sandbox: Sandbox = False,
    cloud: Cloud = False,
    kubeconfig: Kubeconfig = None,
) -> int:
    """Report what `up` would do, what it would cost and what the policies say, changing nothing."""
    paper, output = Paper(form=form, out=out), Format.JSON if form is Form.JSON else Format.TEXT
    world = choose(sandbox=sandbox, cloud=cloud, ci=in_ci(), kubeconfig=kubeconfig)
    place = place_of(stack, file, world)
    try:
        job = job_of(stack, file, sandbox, cloud, output, kubeconfig=kubeconfig, ask=False)
        ask: reporting.AskCheckout | None = None
        if judge is not None:
            base_checkout.able(judge)
            ask = functools.partial(base_checkout.judged_by, judge, place.root, stack, place.stack_file)
            job = replace(job, packs=(judge.resolve() / "policies" / "run",), guard=base_checkout.guard_file(judge))
    except Refused as refused:
        if refused.code is ExitCode.USAGE:
            raise
        return reporting.unable(place, refused, Show(), paper)
    return reporting.preview(job, paper, ask)


@app.command(epilog="Examples:  modelyard up --stack dev   |   modelyard up --stack prod --cloud")
def up(
    stack: StackName,
    file: StackFile = None,
    sandbox: Sandbox = False,
    cloud: Cloud = False,
    kubeconfig: Kubeconfig = None,
    yes: Yes = False,
    faults: Faults = None,
    output: Output = Format.TEXT,
) -> int:
    """Preview with the policies, stop on a refusal, otherwise deploy the stack file."""
    return commands.up(job_of(stack, file, sandbox, cloud, output, kubeconfig=kubeconfig, ask=not yes, faults=faults))


@app.command(epilog="Example:  modelyard refresh --stack dev --only-look")
def refresh(
    stack: StackName,
    only_look: Annotated[
        bool, typer.Option("--only-look", help="Print the differences; do not change the state.")
    ] = False,
    sandbox: Sandbox = False,
    cloud: Cloud = False,
    kubeconfig: Kubeconfig = None,
    output: Output = Format.TEXT,
) -> int:
    """Read every resource again and take what has drifted into the state."""
    return commands.refresh(
        job_of(stack, None, sandbox, cloud, output, kubeconfig=kubeconfig, ask=False), only_look=only_look
    )


@app.command(epilog="Example:  modelyard destroy --stack dev")
def destroy(
    stack: StackName,
    sandbox: Sandbox = False,
    cloud: Cloud = False,
    kubeconfig: Kubeconfig = None,
    yes: Yes = False,
    output: Output = Format.TEXT,
) -> int:
    """Delete everything the stack has made; nothing at all if anything is protected."""
    return commands.destroy(job_of(stack, None, sandbox, cloud, output, kubeconfig=kubeconfig, ask=not yes))


@app.command(epilog="Example:  modelyard recover --stack dev && modelyard up --stack dev")
def recover(
    stack: StackName,
    ids: Annotated[
        list[str] | None,
        typer.Option("--id", metavar="URN=ID", help="Account only: this create succeeded, with this id."),
    ] = None,
    clear: Annotated[
        list[str] | None, typer.Option("--clear", metavar="URN", help="Account only: this create did not happen.")
    ] = None,
    sandbox: Sandbox = False,
    cloud: Cloud = False,
    kubeconfig: Kubeconfig = None,
    yes: Yes = False,
    output: Output = Format.TEXT,
) -> int:
    """Repair the state of a stack after its engine was killed: clear a dead process's lock and settle pending operations."""
    asks = not yes and (bool(ids or clear) or sys.stdin.isatty())
    said = recovery.Said(ids=ids or [], clear=clear or [], ask=_ask_for_id if sys.stdin.isatty() else None)
    return recovery.recover(job_of(stack, None, sandbox, cloud, output, kubeconfig=kubeconfig, ask=asks), said)


def _ask_for_id(question: str) -> str:
    return str(typer.prompt(visible(question), default="", show_default=False))


@app.command(epilog="Example:  modelyard outputs --stack dev --format json | jq .platform")
def outputs(
    stack: StackName,
    sandbox: Sandbox = False,
    cloud: Cloud = False,
    kubeconfig: Kubeconfig = None,
    output: Output = Format.TEXT,
) -> int:
    """Print the stack's outputs."""
    return commands.outputs(job_of(stack, None, sandbox, cloud, output, kubeconfig=kubeconfig, ask=False))


@app.command(
    epilog="Examples:  modelyard deployed --stack prod --cloud   |   "
    "env $(modelyard deployed -s prod --cloud --format env) pulumi preview --stack prod --policy-pack policies/run"
)
def deployed(
    stack: StackName,
    sandbox: Sandbox = False,
    cloud: Cloud = False,
    kubeconfig: Kubeconfig = None,
    output: Annotated[DeployedFormat, typer.Option("--format", help="text, json or env.")] = DeployedFormat.TEXT,
) -> int:
    """Print what the gates are told of the deployed stack: its monthly maximum, priced from its state."""
    form = Format.JSON if output is DeployedFormat.JSON else Format.TEXT
    job = job_of(stack, None, sandbox, cloud, form, kubeconfig=kubeconfig, ask=False)
    return commands.deployed(job, as_variables=output is DeployedFormat.ENV)


@app.command(epilog="Example:  modelyard config --stack prod")
def config(stack: StackName, file: StackFile = None, output: Output = Format.TEXT) -> int:
    """Print every effective setting and where it came from: stack file, profile or default."""
    place = place_of(stack, file, SandboxWorld())
    return commands.config(place, Show(as_json=output is Format.JSON))


@app.command(
    epilog="Examples:  modelyard cost --stack prod --compare dev   |   modelyard cost -s dev --format html > cost.html"
)
def cost(
    stack: StackName,
    file: StackFile = None,
    compare: Annotated[str, typer.Option("--compare", help="Another stack, a stack file or a git REF.")] = "",
    output: Annotated[CostFormat, typer.Option("--format", help="table, json, md or html.")] = CostFormat.TABLE,
) -> int:
    """Print the monthly cost of the stack (minimum, expected, maximum), and whether it fits the budget."""
    from ops.cost import page as cost_page
    from ops.cost import report as bill

    place = place_of(stack, file, SandboxWorld())
    with tempfile.TemporaryDirectory() as scratch:
        file = bill.other(place.root, place.stack_file, compare, Path(scratch)) if compare else None
        other = LoadedStack.read(compare, file) if file else None
        found = bill.report(
            place.loaded, other, deployed=Deployed.of_variables(os.environ) if told(os.environ) else None
        )
    sys.stdout.write(cost_page.written(found, output).rstrip("\n") + "\n")
    return ExitCode.OK if found.budget.fits else ExitCode.REFUSED


@app.command(epilog="Example:  modelyard render --stack prod --out rendered/")
def render(
    stack: StackName,
    out: Annotated[Path, typer.Option("--out", "-o", help="A new or empty folder, or one that render wrote.")],
    file: StackFile = None,
    from_state: Annotated[bool, typer.Option("--from-state", help="Fill in what the deployed stack knows.")] = False,
    sandbox: Sandbox = False,
    cloud: Cloud = False,
    kubeconfig: Kubeconfig = None,
    output: Output = Format.TEXT,
) -> int:
    """Write every Kubernetes object, Helm release and AWS resource as files, for scanners and GitOps."""
    place, known = place_of(stack, file, SandboxWorld()), dict[str, str]()
    if from_state:
        job = job_of(stack, None, sandbox, cloud, output, kubeconfig=kubeconfig, ask=False)
        known = commands.known_values(job)
        place = place if file else job.place
    return commands.render(place, out, known, Show(as_json=output is Format.JSON))


@app.command(epilog="Examples:  modelyard doctor   |   modelyard doctor --stack prod --cloud --format json")
def doctor(
    stack: Annotated[str, typer.Option("--stack", "-s", envvar="MODELYARD_STACK", help="Look at this stack too.")] = "",
    cloud: Cloud = False,
    output: Output = Format.TEXT,
) -> int:
    """Look for what would stop an `up`: tools here, and with --cloud quotas, roles, zones and the way to the cluster."""
    if cloud and not stack:
        raise Refused(Problem(summary="--cloud needs --stack", fix="add --stack"), ExitCode.USAGE)
    place = place_of(stack, None, sandbox_or_cloud(cloud)) if stack else None
    return diagnosis.doctor(root(), place, Show(as_json=output is Format.JSON))


@app.command("shell", epilog="Example:  modelyard shell --stack dev -- pulumi preview --diff")
def in_shell(
    stack: StackName,
    command: Annotated[list[str] | None, typer.Argument(help="What to run there; without it, your shell.")] = None,
    file: StackFile = None,
    kubeconfig: Kubeconfig = None,
) -> int:
    """Run plain `pulumi` (or anything) in the sandbox stack's folder with its clouds up."""
    world = SandboxWorld() if kubeconfig is None else KubeconfigWorld(kubeconfig)
    place = place_of(stack, file, world)
    world.accept(place)
    return shell.run(place, world, command or [], Show())


def main(arguments: list[str] | None = None) -> None:
    """The console script: runs one command and ends the process with its exit code.

    At once: a program whose provider has died waits for an answer for ever, and Python would wait for its thread.
    """
    if os.environ.get("MODELYARD_DEBUG") != "1":
        sys.unraisablehook = lambda _: None
    code = run(sys.argv[1:] if arguments is None else arguments)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(BrokenPipeError):
            stream.flush()
    os._exit(code)


def run(arguments: list[str]) -> int:
    """Runs one command; every way it can end is an `ExitCode`."""
    return exit_code_of(lambda: app(arguments, standalone_mode=False), Show(as_json=_wants_json(arguments)))


def _wants_json(arguments: list[str]) -> bool:
    return "--format=json" in arguments or ("--format", "json") in itertools.pairwise(arguments)


if __name__ == "__main__":
    main()
