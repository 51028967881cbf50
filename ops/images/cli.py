"""`modelyard images ...`: what registries say of the images and charts that core/versions.py pins."""

from __future__ import annotations

from typing import Annotated

import typer

from core.problem import ExitCode
from ops.worlds.places import root

app = typer.Typer(name="images", no_args_is_help=True, help="The pinned images and charts.")
EXAMPLES = "Examples:  modelyard images refresh --dry-run   |   modelyard images refresh --accept mlflow"


@app.callback()
def group() -> None:
    """The pinned images and charts."""


@app.command(epilog=EXAMPLES)
def refresh(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would change; write nothing.")] = False,
    accept: Annotated[
        list[str] | None,
        typer.Option("--accept", metavar="NAME", help="A pinned digest that may follow its tag; repeat it."),
    ] = None,
) -> int:
    """Read digests and architectures from the registries into core/versions.py.

    An entry whose registry does not answer is named and not changed. A tag that names something else than the digest that is
    pinned is
    refused. Commit what it writes: a preview asks no registry.
    """
    from ops.images import pins
    from ops.images.oci import Registries
    from ops.show import Show

    show, file = Show(), root() / "core/versions.py"
    found = pins.refresh(Registries().manifest, accept or ())
    moves = [(pin, move) for pin in found.pins for move in pin.moved()]
    for pin, (key, before, after) in moves:
        show.line(f"{pin.name}: {key} {before} -> {after}")
    for each in found.unread:
        show.line(f"unread {each}", style="yellow")
    if dry_run or not moves:
        show.line("nothing was written" + (" (--dry-run)" if dry_run and moves else ""))
    else:
        file.write_text(pins.written(file.read_text(encoding="utf-8"), found.pins), encoding="utf-8")
        show.line(f"written: {file.name}; read its diff, then the golden files'")
    return ExitCode.FAILED if found.unread and not moves else ExitCode.OK
