"""`modelyard release ...`: the files that say which model version answers where."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from components.in_cluster import model_fetch
from infra import releases
from kube import plain_yaml
from ops import model_files, yaml_edit
from ops.options import Format, Output, StackName
from ops.places import place_of
from ops.reach import reached
from ops.show import Show
from ops.world import Place, World
from problem import ExitCode, Problem, Refused

app = typer.Typer(name="release", no_args_is_help=True, help="Releases: model versions that answer.")

EPILOG = (
    "Examples:  modelyard release pin chat --stack dev   |   modelyard release pin chat -s dev --from model.gguf   "
    "|   modelyard release pin chat -s dev --from ./model --look --format json.   "
    "Exit codes: 0 written, 2 usage, 3 refused, 4 the registry does not answer."
)


@app.callback()
def _group() -> None:
    """A group also while it has one command."""


@app.command(epilog=EPILOG)
def pin(
    name: Annotated[str, typer.Argument(help="The release: releases/<STACK>/<NAME>.yaml.")],
    stack: StackName,
    source: Annotated[
        Path | None, typer.Option("--from", help="A folder with the model's files, or one GGUF file; not the registry.")
    ] = None,
    url: Annotated[str, typer.Option("--url", help="Another server than the stack's own.")] = "",
    cloud: Annotated[
        bool, typer.Option("--cloud", help="The stack's server in the account, not the sandbox's.")
    ] = False,
    look: Annotated[bool, typer.Option("--look", help="Print what was read; write nothing.")] = False,
    output: Output = Format.TEXT,
) -> int:
    """Read digest, size and architecture from a version's files, and write them into the release file, comments kept."""
    show = Show(as_json=output is Format.JSON)
    place = place_of(stack, None, World.CLOUD if cloud else World.SANDBOX)
    file = _file(place, name)
    model = model_files.read(source) if source else _registered(place, file, url)
    text = file.read_text(encoding="utf-8")
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


def _file(place: Place, name: str) -> Path:
    folder = place.stack_file.resolve().parent / releases.FOLDER / place.stack
    file = folder / f"{name}.yaml"
    if file.is_file() and file.resolve().parent == folder:
        return file
    there = ", ".join(sorted(each.stem for each in folder.glob("*.yaml")))
    raise Refused(
        Problem(
            summary="there is no file of this release",
            found=f"{releases.FOLDER}/{place.stack}/{name}.yaml",
            allowed=there or "there is none yet",
            fix="write it with model and version first, as docs/serving.md shows one",
        ),
        ExitCode.USAGE,
    )


def _registered(place: Place, file: Path, url: str) -> model_files.Model:
    """The model of the version that the file names, from the registry's artifacts."""
    read = plain_yaml.read(file.read_text(encoding="utf-8"), file.name)
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
            raise Refused(
                Problem(
                    summary=str(why),
                    found=f"{name} version {version}",
                    fix="`modelyard models show` lists the versions",
                    file=file.name,
                    line=read.line("version"),
                )
            ) from None
        return model_files.read(Path(scratch))


def _edited(text: str, model: model_files.Model, file: Path) -> str:
    """The file's text with what was read; it has to be a release then. Raises Refused for what else is wrong in it."""
    try:
        written = yaml_edit.set_maps(text, model.values())
    except ValueError as error:
        raise Refused(Problem(summary=str(error), file=file.name, line=1)) from None
    releases.parsed(written, "/".join(file.parts[-3:]), file)
    return written
