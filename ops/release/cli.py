"""`modelyard release ...`: the files that say which model version answers where."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from components.serving.in_cluster import model_fetch
from core import plain_yaml
from core.problem import ExitCode, Problem, Refused
from infra.stack import releases
from ops.cluster.cli import DEFAULT
from ops.cluster.running import Cluster, absent
from ops.options import Format, Output, StackName
from ops.registry.reach import reached
from ops.release import model_files, yaml_edit
from ops.release import status as release_status
from ops.show import Show
from ops.worlds.choose import sandbox_or_cloud
from ops.worlds.places import place_of, root
from ops.worlds.world import Place
from sandbox.kubernetes.real.api import Api

app = typer.Typer(name="release", no_args_is_help=True, help="Releases: which model version is served where.")

EPILOG = (
    "Examples:  modelyard release pin chat --stack dev   |   modelyard release pin chat -s dev --from model.gguf   "
    "|   modelyard release pin chat -s dev --from ./model --look --format json.   "
    "Exit codes: 0 written, 2 usage, 3 refused, 4 the registry does not answer."
)


@app.command(epilog=EPILOG)
def pin(
    name: Annotated[str, typer.Argument(help="The release: releases/<STACK>/<NAME>.yaml.")],
    stack: StackName,
    source: Annotated[
        Path | None, typer.Option("--from", help="A folder with the model's files, or one GGUF file; not the registry.")
    ] = None,
    url: Annotated[str, typer.Option("--url", help="The URL of another server than the stack's own.")] = "",
    cloud: Annotated[
        bool, typer.Option("--cloud", help="The stack's server in the account, not the sandbox's.")
    ] = False,
    look: Annotated[bool, typer.Option("--look", help="Print what was read; write nothing.")] = False,
    output: Output = Format.TEXT,
) -> int:
    """Read digest, size and architecture from a version's files, and write them into the release file, comments kept."""
    show = Show(as_json=output is Format.JSON)
    place = place_of(stack, None, sandbox_or_cloud(cloud))
    file = _file(place, name)
    text = _text(file)
    said = plain_yaml.read(text, file.name)
    model = model_files.read(source, _runtime(said)) if source else _registered(place, said, file, url)
    written = _edited(text, model, file)
    changed = written != text
    if changed and not look:
        file.write_text(written, encoding="utf-8")
    shown = "/".join(file.parts[-3:])
    if show.as_json:
        show.value({"release": name, "file": shown, **model.values(), "written": changed and not look})
        return ExitCode.OK
    for key, values in model.values().items():
        show.line(f"{key}: {', '.join(f'{inner} {value}' for inner, value in values.items())}")
    show.line(f"{'would write' if look else 'wrote'} {shown}" if changed else f"{shown} says so already")
    return ExitCode.OK


@app.command(
    epilog="Examples:  modelyard release status chat   |   modelyard release status chat --format json   |   "
    "modelyard release status chat --kubeconfig ~/.kube/config.   "
    "Exit codes: 0 healthy, 1 not healthy (yet), 2 there is no such release, 4 the cluster does not say."
)
def status(
    name: Annotated[str, typer.Argument(help="The release.")],
    kubeconfig: Annotated[
        Path | None,
        typer.Option("--kubeconfig", help="A cluster by this file's current context; else that of `cluster start`."),
    ] = None,
    cluster: Annotated[str, typer.Option("--cluster", help="The name it was started with.")] = DEFAULT,
    output: Output = Format.TEXT,
) -> int:
    """How far a release is: phase, step, the canary's weight, each pod with its model version, and why one is not ready."""
    show = Show(as_json=output is Format.JSON)
    found = release_status.read(Api(kubeconfig or _started(Cluster(root(), cluster))), name)
    if show.as_json:
        show.value(found.values())
    for line in () if show.as_json else found.lines():
        show.line(line)
    return ExitCode.OK if found.healthy else ExitCode.FAILED


def _started(cluster: Cluster) -> Path:
    """The kubeconfig of a cluster that `modelyard cluster start` started."""
    if not cluster.layout.kubeconfig.is_file():
        raise absent(cluster)
    return cluster.layout.kubeconfig


def _file(place: Place, name: str) -> Path:
    """The release's file, in the stack's own folder or in its environment's, as `up` takes it."""
    own = place.stack_file.resolve().parent / releases.FOLDER / place.stack
    folders = list(releases.folders(place.stack, _environment(place), place.stack_file)) or [own]
    folder = folders[0]
    file = folder / f"{name}.yaml"
    if file.is_file() and file.resolve().parent == folder:
        return file
    there = ", ".join(sorted(path.stem for path in folder.glob("*.yaml")))
    raise Refused(
        Problem(
            summary="there is no file of this release",
            found=f"{releases.FOLDER}/{place.stack}/{name}.yaml",
            allowed=there or "there is none yet",
            fix="write it with model and version first, as docs/serving.md shows one",
        ),
        ExitCode.USAGE,
    )


def _environment(place: Place) -> str:
    """The environment that the stack file names; nothing when it cannot be read, which is told where it matters."""
    try:
        platform = place.file.platform
    except Refused:
        return place.stack
    return str(platform.get("environment") or place.stack) if isinstance(platform, dict) else place.stack


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        summary = f"the release file cannot be read: {type(error).__name__}"
        raise Refused(Problem(summary=summary, file=file.name, line=1)) from None


def _runtime(read: plain_yaml.Read) -> str:
    said = read.value.get("runtime") if isinstance(read.value, dict) else ""
    return said if said in model_fetch.READS else ""


def _registered(place: Place, read: plain_yaml.Read, file: Path, url: str) -> model_files.Model:
    """The model of the version that the file names, from the registry's artifacts."""
    said = read.value if isinstance(read.value, dict) else {}
    name, version = said.get("model"), said.get("version")
    if not isinstance(name, str) or type(version) is not int:
        raise Refused(
            Problem(
                summary="the release says no model and version to read",
                allowed="model: a name, and version: a number",
                file=file.name,
                line=read.line("version"),
            )
        )
    with reached(place, url) as server, tempfile.TemporaryDirectory(prefix="modelyard-") as scratch:
        try:
            model_fetch.Registry(server.url, server.user, server.password).fetch(name, version, Path(scratch))
        except model_fetch.Unfit as why:
            silent = isinstance(why, model_fetch.Silent)
            raise Refused(
                Problem(
                    summary=str(why),
                    found=f"{name} version {version}",
                    fix="" if silent else "`modelyard models show` lists the versions",
                    file="" if silent else file.name,
                    line=0 if silent else read.line("version"),
                ),
                ExitCode.UNAVAILABLE if silent else ExitCode.REFUSED,
            ) from None
        return model_files.read(Path(scratch), _runtime(read))


def _edited(text: str, model: model_files.Model, file: Path) -> str:
    """The file's text with what was read; it has to be a release then. Raises Refused for what else is wrong in it."""
    try:
        written = yaml_edit.set_maps(text, model.values())
    except ValueError as error:
        raise Refused(Problem(summary=str(error), file=file.name, line=1)) from None
    releases.parsed(written, "/".join(file.parts[-3:]), file)
    return written
