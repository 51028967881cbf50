"""`modelyard registry ...` and `modelyard models ...`: what a registry holds, read from the server itself."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from core.problem import ExitCode, Problem, Refused
from ops.options import CompareFormat, Format, Output, StackName
from ops.registry import (
    compare as model_compare,
)
from ops.registry import (
    compare_page,
    model_page,
    picture,
)
from ops.registry import (
    importing as registry_import,
)
from ops.registry import (
    versions as model_versions,
)
from ops.registry.reach import reached
from ops.show import Show
from ops.worlds.choose import sandbox_or_cloud
from ops.worlds.places import place_of, registry_asks
from ops.worlds.sandbox import SandboxWorld
from ops.worlds.world import Place

registry = typer.Typer(name="registry", no_args_is_help=True, help="The model registry of a stack.")
models = typer.Typer(name="models", no_args_is_help=True, help="Models of the registry: versions, metrics, lineage.")

Url = Annotated[str, typer.Option("--url", help="The URL of another server than the stack's own.")]
Cloud = Annotated[bool, typer.Option("--cloud", help="The stack's server in the account, not the sandbox's.")]


def _of(stack: str, cloud: bool) -> Place:
    return place_of(stack, None, sandbox_or_cloud(cloud))


@registry.command("import", epilog="Example:  modelyard registry import --stack prod --url https://mlflow.example.org")
def import_(
    stack: StackName,
    url: Url = "",
    cloud: Cloud = False,
    look: Annotated[bool, typer.Option("--look", help="Print the block; write nothing.")] = False,
    output: Output = Format.TEXT,
) -> int:
    """Import a running registry into the stack file and its prompt files."""
    show, place = Show(as_json=output is Format.JSON), _of(stack, cloud)
    with reached(place, url) as server:
        # A server without MLflow's basic-auth app has no users and no call to list them.
        block = registry_import.read(server, users=bool(server.user) or bool(registry_asks(place)))
    folder = place.stack_file.parent
    paths = [] if look else registry_import.write(block, place.stack_file, folder)
    written = [path.name if path == place.stack_file else str(path.relative_to(folder)) for path in paths]
    if show.as_json:
        show.value({"registry": block.content, "written": written, "notes": block.notes})
        return ExitCode.OK
    if look:
        show.line(registry_import.as_yaml({"registry": block.content}).rstrip())
    for name in written:
        show.line(f"wrote {name}")
    for note in block.notes:
        show.line(f"note: {note}", style="dim")
    return ExitCode.OK


@registry.command("open", epilog="Example:  modelyard registry open --stack dev")
def open_(
    stack: StackName,
    command: Annotated[list[str] | None, typer.Argument(help="What to run with it; without it, until Ctrl-C.")] = None,
) -> int:
    """Keep the sandbox's registry up, a real MLflow server, until Ctrl-C or until a command has run."""
    show, world = Show(), SandboxWorld()
    with world.registry_process(place_of(stack, None, world)) as found:
        env = found.variables()
        if command:
            return subprocess.run(command, env={**os.environ, **env}, check=False).returncode
        show.head("a real MLflow server in the sandbox", stack)
        show.line(f"{found.url}  (loads at the first call)")
        for key in ("MLFLOW_TRACKING_URI", "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"):
            if key in env:
                show.line(f"  export {key}={shlex.quote(env[key])}")
        show.line("Ctrl-C ends it; what it holds stays")
        try:
            while found.process.poll() is None:
                time.sleep(0.5)
        except KeyboardInterrupt:
            return ExitCode.OK
    raise Refused(
        Problem(summary="the server has ended", fix=f"read .sandbox/{stack}/mlflow/server.log"), ExitCode.FAILED
    )


@models.command("list", epilog="Example:  modelyard models list --stack dev")
def list_(stack: StackName, url: Url = "", cloud: Cloud = False, output: Output = Format.TEXT) -> int:
    """Every model, its newest version and its aliases."""
    show = Show(as_json=output is Format.JSON)
    with reached(_of(stack, cloud), url) as server:
        found = model_versions.models(server)
    if show.as_json:
        show.value(found)
        return ExitCode.OK
    rows = [["model", "newest", "aliases", "description"]]
    for each in found:
        aliases = ", ".join(f"{alias} -> {version}" for alias, version in sorted(each["aliases"].items()))
        rows.append([each["name"], str(each["newest"] or "none"), aliases, each["description"]])
    for line in model_page.aligned(rows):
        show.line(line)
    return ExitCode.OK


@models.command("show", epilog="Example:  modelyard models show assistant --stack dev")
def show_(name: str, stack: StackName, url: Url = "", cloud: Cloud = False, output: Output = Format.TEXT) -> int:
    """Every version of a model: parameters, metrics, aliases, run, data and where its weights come from."""
    show, found = Show(as_json=output is Format.JSON), _model(name, stack, url, cloud).versions
    if show.as_json:
        show.value([model_page.as_value(version) for version in found])
        return ExitCode.OK
    for line in [line for version in found for line in model_page.shown(version)] or [
        "no versions yet: training makes them"
    ]:
        show.line(line)
    return ExitCode.OK


@models.command(
    epilog="Examples:  modelyard models compare assistant 3 production -s dev   |   "
    "modelyard models compare assistant -s dev --metric accuracy --out accuracy.html"
)
def compare(
    name: str,
    stack: StackName,
    versions: Annotated[
        list[str] | None, typer.Argument(help="Numbers or aliases; without them, every version.")
    ] = None,
    metric: Annotated[str, typer.Option("--metric", help="Only this metric; needed for a picture.")] = "",
    out: Annotated[Path | None, typer.Option("--out", "-o", help="A picture over versions: *.png or *.html.")] = None,
    any_data: Annotated[
        bool,
        typer.Option("--any-data", help="Show versions that were judged on different data too; none is marked best."),
    ] = False,
    url: Url = "",
    cloud: Cloud = False,
    output: Annotated[CompareFormat, typer.Option("--format", help="text, json, md or html.")] = CompareFormat.TEXT,
) -> int:
    """Versions side by side: parameters that differ, metrics with the best marked, data, base, commit and size.

    Versions that were judged on different data, or on data that their runs do not name, are refused.
    """
    if out is not None and not metric:
        raise Refused(Problem(summary="which metric is drawn?", fix="add --metric NAME"), ExitCode.USAGE)
    model = _model(name, stack, url, cloud)
    comparison = model_compare.compared(model, model_compare.chosen(model, versions or []), metric, anyhow=any_data)
    if output is CompareFormat.TEXT:
        for line in compare_page.table(comparison):
            Show().line(line)
    else:
        sys.stdout.write(compare_page.written(comparison, output).rstrip("\n") + "\n")
    if out is not None:
        picture.draw(comparison, out)
        sys.stderr.write(f"wrote {out}\n")
    return ExitCode.OK


def _model(name: str, stack: str, url: str, cloud: bool) -> model_versions.Model:
    with reached(_of(stack, cloud), url) as server:
        return model_versions.model(server, name)
