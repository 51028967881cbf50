"""Where a command works: the repository, and a stack's place in it."""

from __future__ import annotations

from pathlib import Path

from core.problem import ExitCode, Problem, Refused
from ops.worlds.world import Place, World


def registry_asks(place: Place) -> bool | None:
    """Whether the stack's registry asks who somebody is; None when the stack declares nothing in one."""
    registry = place.settings.registry if place.settings else None
    return None if registry is None or registry.empty else bool(registry.users)


def root() -> Path:
    """The repository: the nearest folder above the current one with a `Pulumi.yaml`, or the one this file is in."""
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / "Pulumi.yaml").is_file():
            return folder
    return Path(__file__).resolve().parents[2]


def places(home: Path, world: World) -> list[Place]:
    """Every stack of the repository `home`, by name; none of their files is read yet."""
    files = sorted(home.glob("Pulumi.*.yaml"))
    return [Place(root=home, stack=file.name.split(".")[1], stack_file=file, world=world) for file in files]


def place_of(stack: str, file: Path | None, world: World) -> Place:
    """The stack of that name in this repository. Raises Refused for a name that no stack can have."""
    if not stack.replace("-", "").replace("_", "").isalnum() or not stack.isascii():
        raise Refused(
            Problem(summary="this is no stack name", found=stack, allowed="letters, digits, - and _"), ExitCode.USAGE
        )
    home = root()
    return Place(root=home, stack=stack, stack_file=file or home / f"Pulumi.{stack}.yaml", world=world)
